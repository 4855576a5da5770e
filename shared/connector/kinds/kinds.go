// Package kinds lists the kinds of systems that connectors read.
package kinds

import (
	"cmp"
	"net"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/files"
	"github.com/tarnhq/tarn/shared/connector/httpjson"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/connector/mysql"
	"github.com/tarnhq/tarn/shared/connector/postgres"
	"github.com/tarnhq/tarn/shared/connector/sqlserver"
	"github.com/tarnhq/tarn/shared/outbound"
)

// All returns the drivers of every kind. They reach what the options allow.
func All(o outbound.Options) connector.Drivers {
	dial := outbound.Dialer(o).DialContext
	return connector.Drivers{
		files.Kind:     files.New(o),
		httpjson.Kind:  httpjson.New(o),
		mongodb.Kind:   mongodb.Driver{Dial: dial, Resolver: cmp.Or(o.Resolver, net.DefaultResolver)},
		mysql.Kind:     mysql.Driver{Dial: dial},
		postgres.Kind:  postgres.Driver{Dial: dial},
		sqlserver.Kind: sqlserver.Driver{Dial: dial},
	}
}
