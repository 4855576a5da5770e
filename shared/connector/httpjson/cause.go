package httpjson

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/tarnhq/tarn/shared/fault"
)

// unreachable says why there was no answer, without the text of the error, which has the
// URL in it and so may have the credential.
func unreachable(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return rejected(known)
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	unavailable := func(message string) error { return fault.New(fault.Unavailable, "source_unreachable", "%s", message) }
	var network net.Error
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return fault.New(fault.Invalid, "bad_certificate", "the API's certificate cannot be verified").WithHint("is the dsn's host the one that the certificate names?")
	case errors.As(err, &name) && name.IsNotFound:
		return unavailable("the API's host has no address")
	case errors.As(err, &network) && network.Timeout():
		return unavailable("the API does not answer in time")
	}
	return unavailable("the connection to the API cannot be made, or breaks off")
}

// rejected is a fault of package outbound, without its cause.
func rejected(f *fault.Error) error {
	if f.Code == "answer_too_large" {
		return fault.New(fault.TooLarge, f.Code, "a page of the API is of more than %d MiB", maxAnswer>>20).WithHint("ask for smaller ones: size_param and size of pagination")
	}
	return fault.New(f.Kind, f.Code, "%s", f.Message).WithHint("%s", f.Hint)
}

// failureOf is the failure that an error is.
func failureOf(err error) *failure {
	var why *fault.Error
	if !errors.As(err, &why) {
		why = fault.New(fault.Unavailable, "source_unreachable", "the API was not waited for")
	}
	return &failure{why: why, again: why.Kind == fault.Unavailable}
}
