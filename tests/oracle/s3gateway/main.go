// Command s3gateway serves an S3 API over a folder, for the contract tests. It
// is a program of its own because the gateway changes its working directory and
// keeps globals.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	listen := flag.String("listen", "", "address to serve on")
	folder := flag.String("folder", "", "folder that holds the buckets")
	attributes := flag.String("attributes", "", "folder that holds the objects' attributes")
	versions := flag.String("versions", "", "folder that holds the objects' earlier versions")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, *folder, *attributes, *versions); err != nil {
		log.Fatal(err)
	}
}

// serve keeps attributes in files of their own, since not every file system of a
// test machine has extended attributes.
func serve(ctx context.Context, listen, folder, attributes, versions string) error {
	store, err := meta.NewSideCar(attributes)
	if err != nil {
		return err
	}
	backend, err := posix.New(folder, store, posix.PosixOpts{
		SideCarDir:          attributes,
		VersioningDir:       versions,
		Concurrency:         64,
		CopyObjectThreshold: 5 << 30, // zero refuses every copy
	})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("AWS_ACCESS_KEY_ID"),
		RootUserSecret:    os.Getenv("AWS_SECRET_ACCESS_KEY"),
		Region:            os.Getenv("AWS_REGION"),
		Ports:             []string{listen},
		HealthPath:        "/healthz",
		MaxConnections:    256,
		MaxRequests:       256,
		MultipartMaxParts: 10_000,
		KeepAlive:         true,
		Quiet:             true,
	})
}
