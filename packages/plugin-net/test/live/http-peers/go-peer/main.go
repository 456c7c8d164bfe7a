// SPDX-License-Identifier: MIT

// A server and a client of HTTP, which count; inside TLS, but for a server without certificate:
//
//	peer serve [CERT KEY]                     prints its port; at a line on stdin, what it served
//	peer ask PORT REQUESTS CONNECTIONS [h2]   prints "ready", begins at a line on stdin, prints what it got
//
// What they print is { "GET /path 200": count }.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var (
	counts = map[string]int{}
	lock   sync.Mutex
	input  = bufio.NewReader(os.Stdin)
)

func count(method, path string, status int) {
	lock.Lock()
	defer lock.Unlock()
	counts[fmt.Sprintf("%s %s %d", method, path, status)]++
}

func tell() {
	lock.Lock()
	defer lock.Unlock()
	text, _ := json.Marshal(counts)
	fmt.Println(string(text))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(text string, otherwise int) int {
	if value, err := strconv.Atoi(text); err == nil {
		return value
	}
	return otherwise
}

var statusPath = regexp.MustCompile(`^/status/(\d+)`)

func serve(certificate []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		status := 200
		if match := statusPath.FindStringSubmatch(r.URL.Path); match != nil {
			status = number(match[1], 200)
		}
		size := number(r.URL.Query().Get("size"), 5)
		count(r.Method, r.URL.Path, status)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.WriteHeader(status)
		if r.Method != "HEAD" {
			w.Write([]byte(strings.Repeat("x", size)))
		}
	})
	go func() {
		if len(certificate) == 0 {
			must(http.Serve(listener, nil))
		}
		must(http.ServeTLS(listener, nil, certificate[0], certificate[1]))
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		if _, err := input.ReadString('\n'); err != nil {
			return
		}
		tell()
	}
}

var kinds = [][2]string{
	{"GET", "/a?x=1"}, {"GET", "/status/404?y"}, {"POST", "/post"}, {"HEAD", "/head?size=40"}, {"GET", "/large?size=60000"},
}

func ask(port string, requests, connections int, h2 bool) {
	fmt.Println("ready")
	input.ReadString('\n')
	var workers sync.WaitGroup
	for first := 0; first < connections; first++ {
		workers.Add(1)
		go func(first int) {
			defer workers.Done()
			transport := &http.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2, MaxConnsPerHost: 1,
			}
			client := &http.Client{Transport: transport}
			for index := first; index < requests; index += connections {
				method, path := kinds[index%len(kinds)][0], kinds[index%len(kinds)][1]
				var body io.Reader
				if method == "POST" {
					body = strings.NewReader(strings.Repeat("z", 3000))
				}
				request, err := http.NewRequest(method, "https://127.0.0.1:"+port+path, body)
				must(err)
				response, err := client.Do(request)
				must(err)
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				count(method, request.URL.Path, response.StatusCode)
			}
			transport.CloseIdleConnections()
		}(first)
	}
	workers.Wait()
	tell()
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2:])
		return
	}
	ask(os.Args[2], number(os.Args[3], 0), number(os.Args[4], 1), len(os.Args) > 5)
}
