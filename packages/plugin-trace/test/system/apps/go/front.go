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
	steps = append(steps, ifNamed("RABBITMQ", publishAlone)...)
	steps = append(steps, ifNamed("RABBITMQ", publishTogether)...)
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

// A channel of a connection to RabbitMQ on which messages are confirmed.
func confirming(connection *amqp.Connection) (*amqp.Channel, error) {
	channel, err := connection.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	return channel, err
}

// Publishes a message and waits for the confirmation, on a channel that nobody else has meanwhile: one of those that are free, or
// one that open makes. Nobody has bound a queue to the message: the broker confirms and forgets.
func publish(name string, open func() (*amqp.Channel, error)) step {
	free := make(chan *amqp.Channel, most)
	return func(ctx context.Context, place string) error {
		var channel *amqp.Channel
		var err error
		select {
		case channel = <-free:
		default:
			if channel, err = open(); err != nil {
				return err
			}
		}
		message := amqp.Publishing{Body: []byte("done")}
		confirmation, err := channel.PublishWithDeferredConfirmWithContext(ctx, "", place+"/"+name, false, false, message)
		if err != nil {
			return err
		}
		_, err = confirmation.WaitContext(ctx)
		free <- channel
		return err
	}
}

// Each goroutine has a connection to itself while it publishes.
func publishAlone(host string) step {
	return publish("rabbitmq", func() (*amqp.Channel, error) {
		connection, err := amqp.Dial("amqp://guest:guest@" + host + ":5672/")
		if err != nil {
			return nil, err
		}
		return confirming(connection)
	})
}

// All have channels of one connection: who flushes its buffer sends what others have put there.
func publishTogether(host string) step {
	connection, err := amqp.Dial("amqp://guest:guest@" + host + ":5672/")
	if err != nil {
		log.Fatal(err)
	}
	return publish("shared", func() (*amqp.Channel, error) { return confirming(connection) })
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
