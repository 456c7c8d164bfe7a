// SPDX-License-Identifier: MIT

// Two services that know nothing of tracing: `front` asks everybody, `store` keeps things in Redis and is asked over HTTP and gRPC.
// The path of a request says where in its call tree it is, and what it causes goes on from there: /work/7/nginx/go causes
// /work/7/nginx/go/python. Where the others are is told by the environment; who is not named is not asked.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

// How many requests may be under way at once: pools are large enough that nobody waits for a connection.
const most = 128

func main() {
	switch os.Args[1] {
	case "front":
		front()
	case "store":
		store()
	case "hello": // who does nothing but answer, for bench/trace-overhead.ts
		hello := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
		log.Fatal(http.ListenAndServe(os.Args[2], http.HandlerFunc(hello)))
	default:
		log.Fatalf("no service is called %s", os.Args[1])
	}
}

// A step of a request: it fails the request, and with it the run, because trees would not be the expected ones.
type step func(ctx context.Context, place string) error

// Serves HTTP: the steps one after another, each given the path of the request.
func serve(steps ...step) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		for _, step := range steps {
			if err := step(r.Context(), r.URL.Path); err != nil {
				log.Print(err)
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
		}
		fmt.Fprintln(w, "done")
	}
	log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(handler)))
}

var client = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: most, IdleConnTimeout: time.Hour},
	Timeout:   30 * time.Second,
}

// Asks a server of HTTP for what comes next.
func ask(host, name string) step {
	return func(ctx context.Context, place string) error {
		request, err := http.NewRequestWithContext(ctx, "GET", "http://"+host+":8080"+place+"/"+name, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", request.URL, response.Status)
		}
		return nil
	}
}

func askRedis(host string) step {
	client := redis.NewClient(&redis.Options{Addr: host + ":6379", PoolSize: most, Protocol: 2, DisableIdentity: true})
	return func(ctx context.Context, place string) error {
		err := client.Get(ctx, place+"/redis").Err()
		if err == redis.Nil {
			return nil
		}
		return err
	}
}

// What follows is left out where its host is not named.
func ifNamed(variable string, make func(host string) step) []step {
	host := os.Getenv(variable)
	if host == "" {
		return nil
	}
	return []step{make(host)}
}
