// SPDX-License-Identifier: MIT

// A server and a client of grpc-go in one program, on one connection. It says of each call which goroutine asked and which answered.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

type call struct {
	Asker    int `json:"asker"`
	Answerer int `json:"answerer"`
}

func goid() int {
	var stack [64]byte
	words := bytes.Fields(stack[:runtime.Stack(stack[:], false)])
	id, _ := strconv.Atoi(string(words[1]))
	return id
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	atOnce, _ := strconv.Atoi(os.Args[2])
	var lock sync.Mutex
	var calls []call
	answer := func(_ any, stream grpc.ServerStream) error {
		incoming, _ := metadata.FromIncomingContext(stream.Context())
		asker, _ := strconv.Atoi(incoming.Get("asker")[0])
		lock.Lock()
		calls = append(calls, call{asker, goid()})
		lock.Unlock()
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go grpc.NewServer(grpc.UnknownServiceHandler(answer)).Serve(listener)
	client, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')

	places := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i := 0; i < count; i++ {
		places <- struct{}{}
		group.Add(1)
		go func() {
			defer func() { <-places; group.Done() }()
			ctx := metadata.AppendToOutgoingContext(context.Background(), "asker", strconv.Itoa(goid()))
			if err := client.Invoke(ctx, "/test.Service/Method", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
				log.Fatal(err)
			}
		}()
	}
	group.Wait()
	lock.Lock()
	said, _ := json.Marshal(calls)
	lock.Unlock()
	fmt.Println(string(said))
	bufio.NewReader(os.Stdin).ReadString('\n')
}
