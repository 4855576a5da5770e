package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// sendCloudEvents sends with CloudEvents' Go client, one by one in both modes and then in
// a batch, whose request it makes and leaves to the program to send.
func sendCloudEvents(ctx context.Context, to turn) error {
	url := to.URL + "/v1/cloudevents?write_key=" + to.Key
	client, err := cloudevents.NewClientHTTP(cehttp.WithTarget(url))
	if err != nil {
		return err
	}
	var all []cloudevents.Event
	for n := 4 * to.From; n < 4*(to.From+to.Each); n++ {
		e, err := cloudEvent(n)
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	for n, e := range all[:2*to.Each] {
		patient := cloudevents.ContextWithRetriesConstantBackoff(ctx, time.Millisecond, 10)
		if n%2 == 0 {
			patient = binding.WithForceStructured(patient)
		}
		err := atLast(ctx, func() error {
			if result := client.Send(patient, e); !cloudevents.IsACK(result) {
				return result
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return atLast(ctx, func() error { return sendBatch(ctx, url, all[2*to.Each:]) })
}

func cloudEvent(n int) (cloudevents.Event, error) {
	e := cloudevents.NewEvent()
	e.SetID(strconv.Itoa(n))
	e.SetSubject(strconv.Itoa(n))
	e.SetSource("/clients/go")
	e.SetType("ordered")
	e.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return e, e.SetData(cloudevents.ApplicationJSON, map[string]int{"n": n})
}

func sendBatch(ctx context.Context, url string, all []cloudevents.Event) error {
	r, err := cehttp.NewHTTPRequestFromEvents(ctx, url, all)
	if err != nil {
		return err
	}
	out, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer out.Body.Close()
	if out.StatusCode != http.StatusOK {
		return errors.New(out.Status)
	}
	return nil
}

// atLast does again what a client gives up on, until it succeeds or the context ends.
func atLast(ctx context.Context, do func() error) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("given up after %w", err)
		}
	}
}
