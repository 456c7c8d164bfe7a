// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"

	_ "github.com/lib/pq"
	amqp "github.com/rabbitmq/amqp091-go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

func front() {
	steps := []step{twoNodes(os.Getenv("NODE"), os.Getenv("NODE2")), ask(os.Getenv("PYTHON"), "python")}
	steps = append(steps, ifNamed("POSTGRES", askPostgres)...)
	steps = append(steps, ifNamed("REDIS", askRedis)...)
	steps = append(steps, ifNamed("RABBITMQ", publish)...)
	steps = append(steps, ifNamed("STORE", askStore)...)
	serve(steps...)
}

// A fan-out: one of the two is asked by a goroutine of its own.
func twoNodes(host, host2 string) step {
	mine, other := ask(host, "node"), ask(host2, "spawned")
	return func(ctx context.Context, place string) error {
		answered := make(chan error)
		go func() { answered <- other(ctx, place) }()
		err := mine(ctx, place)
		return errors.Join(err, <-answered)
	}
}

func askPostgres(host string) step {
	db, err := sql.Open("postgres", "host="+host+" user=postgres sslmode=disable")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxIdleConns(most)
	return func(ctx context.Context, place string) error {
		var sum int
		return db.QueryRowContext(ctx, fmt.Sprintf("/* %s/postgres */ SELECT 40 + 2", place)).Scan(&sum)
	}
}

// Publishes and waits for the confirmation. Channels of one connection are used in turn, each by one goroutine at a time.
func publish(host string) step {
	connection, err := amqp.Dial("amqp://guest:guest@" + host + ":5672/")
	if err != nil {
		log.Fatal(err)
	}
	channels := make(chan *amqp.Channel, most)
	for i := 0; i < most; i++ {
		channel, err := connection.Channel()
		if err == nil {
			err = channel.Confirm(false)
		}
		if err != nil {
			log.Fatal(err)
		}
		channels <- channel
	}
	return func(ctx context.Context, place string) error {
		channel := <-channels
		defer func() { channels <- channel }()
		message := amqp.Publishing{Body: []byte("done")}
		// Nobody has bound a queue to it: the broker confirms and forgets.
		confirmation, err := channel.PublishWithDeferredConfirmWithContext(ctx, "", place+"/rabbitmq", false, false, message)
		if err != nil {
			return err
		}
		_, err = confirmation.WaitContext(ctx)
		return err
	}
}

// The name of the method is the path, as with HTTP.
func askStore(host string) step {
	connection, err := grpc.NewClient(host+":9090", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	return func(ctx context.Context, place string) error {
		return connection.Invoke(ctx, place+"/grpc", &emptypb.Empty{}, &emptypb.Empty{})
	}
}
