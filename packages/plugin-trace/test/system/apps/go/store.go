// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

func store() {
	steps := ifNamed("REDIS", askRedis)
	go serve(steps...)
	listener, err := net.Listen("tcp", ":9090")
	if err != nil {
		log.Fatal(err)
	}
	if os.Getenv("REDIS") == "" {
		steps = []step{func(context.Context, string) error { return nil }}
	}
	// Whatever the method is called, it is answered.
	answer := func(_ any, stream grpc.ServerStream) error {
		place, _ := grpc.MethodFromServerStream(stream)
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		for _, step := range steps {
			if err := step(stream.Context(), place); err != nil {
				return err
			}
		}
		return stream.SendMsg(&emptypb.Empty{})
	}
	log.Fatal(grpc.NewServer(grpc.UnknownServiceHandler(answer)).Serve(listener))
}
