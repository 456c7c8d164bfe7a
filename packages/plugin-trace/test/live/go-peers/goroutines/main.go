// SPDX-License-Identifier: MIT

// Servers and clients of net/http in one program, which says of each request which goroutine asked for it and which worked at it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// An end of a connection, and who used it for a request.
type use struct {
	// "asks" or "works"
	Role string `json:"role"`
	// Ports of this end and of the other one.
	Local  int `json:"local"`
	Remote int `json:"remote"`
	// The goroutine, who made it, and so on up to the one that works at a request.
	Line []int `json:"line"`
}

var (
	lock sync.Mutex
	uses []use
)

func tell(role string, local, remote net.Addr, line []int) {
	lock.Lock()
	defer lock.Unlock()
	uses = append(uses, use{role, local.(*net.TCPAddr).Port, remote.(*net.TCPAddr).Port, line})
}

func goid() int {
	var stack [64]byte
	words := bytes.Fields(stack[:runtime.Stack(stack[:], false)])
	id, _ := strconv.Atoi(string(words[1]))
	return id
}

// Connections are used by whoever asks next; there are fewer than askers, so that some are closed and others made all the time.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 24}}

func ask(url string, line []int) {
	request, _ := http.NewRequest("POST", url, strings.NewReader(strings.Repeat("x", 100)))
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		tell("asks", info.Conn.LocalAddr(), info.Conn.RemoteAddr(), line)
	}}
	response, err := client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

func workedAt(request *http.Request) {
	local := request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	remote, _ := net.ResolveTCPAddr("tcp", request.RemoteAddr)
	tell("works", local, remote, []int{goid()})
}

func serve(handler http.HandlerFunc) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, handler)
	return "http://" + listener.Addr().String()
}

// Runs a function in a goroutine and waits for its end.
func inChild(line []int, run func(line []int)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(append([]int{goid()}, line...))
	}()
	<-done
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	atOnce, _ := strconv.Atoi(os.Args[2])
	backend := serve(func(response http.ResponseWriter, request *http.Request) {
		workedAt(request)
		io.Copy(io.Discard, request.Body)
		fmt.Fprintln(response, "hello")
	})
	front := serve(func(response http.ResponseWriter, request *http.Request) {
		workedAt(request)
		io.Copy(io.Discard, request.Body)
		me := []int{goid()}
		askBackend := func(line []int) { ask(backend, line) }
		switch request.URL.Path {
		case "/child":
			inChild(me, askBackend)
		case "/grandchild":
			inChild(me, func(line []int) { inChild(line, askBackend) })
		default:
			askBackend(me)
		}
		fmt.Fprintln(response, "hello")
	})
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')

	var group sync.WaitGroup
	for asker := 0; asker < atOnce; asker++ {
		group.Add(1)
		go func(asker int) {
			defer group.Done()
			for number := asker; number < count; number += atOnce {
				ask(front+[]string{"/", "/child", "/grandchild"}[number%3], []int{goid()})
			}
		}(asker)
	}
	group.Wait()
	lock.Lock()
	answer, _ := json.Marshal(uses)
	lock.Unlock()
	fmt.Println(string(answer))
	bufio.NewReader(os.Stdin).ReadString('\n')
}
