package aws

import (
	"context"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/tarnhq/tarn/shared/fault"
)

// Pointers keep where the metadata of each Iceberg table is, as tables of one database
// of the Glue Data Catalog: Athena, Spark and Trino find them there. The namespace
// stands before a table's name.
type Pointers struct {
	client   *glue.Client
	database string
}

// Pointers opens a database of the Glue Data Catalog. A change whose answer was lost is
// not repeated: it would be taken for somebody else's, and the files that it made
// current would be removed.
func (a Account) Pointers(database string) *Pointers {
	return &Pointers{glue.NewFromConfig(a.config, func(o *glue.Options) { o.Retryer = refusedOnly() }), database}
}

// Names of a table's parameters, as Iceberg's own Glue catalog has them.
const (
	currentParameter  = "metadata_location"
	previousParameter = "previous_metadata_location"
)

func glueName(namespace, name string) *string { return sdk.String(namespace + "_" + name) }

// Called returns how statements call a table.
func (p *Pointers) Called(namespace, name string) (database, table string) {
	return p.database, *glueName(namespace, name)
}

// Current returns where a table is, or fault.NotFound.
func (p *Pointers) Current(ctx context.Context, namespace, name string) (string, error) {
	location, _, err := p.current(ctx, namespace, name)
	return location, err
}

func (p *Pointers) current(ctx context.Context, namespace, name string) (location string, version *string, err error) {
	out, err := p.client.GetTable(ctx, &glue.GetTableInput{DatabaseName: &p.database, Name: glueName(namespace, name)})
	if err != nil {
		return "", nil, translate("glue", err)
	}
	return out.Table.Parameters[currentParameter], out.Table.VersionId, nil
}

// Swap moves a table from one location to another, from an empty one into being. It
// fails with fault.Conflict unless the table is at from.
func (p *Pointers) Swap(ctx context.Context, namespace, name, from, to string) error {
	if from == "" {
		_, err := p.client.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: &p.database, TableInput: tableInput(namespace, name, from, to)})
		return translate("glue", err)
	}
	now, version, err := p.current(ctx, namespace, name)
	if fault.Is(err, fault.NotFound) || err == nil && now != from {
		return fault.New(fault.Conflict, "iceberg_table_moved", "Iceberg table %s.%s is not at %q", namespace, name, from)
	}
	if err != nil {
		return err
	}
	_, err = p.client.UpdateTable(ctx, &glue.UpdateTableInput{
		DatabaseName: &p.database, TableInput: tableInput(namespace, name, from, to), VersionId: version, SkipArchive: sdk.Bool(true)})
	return translate("glue", err)
}

func tableInput(namespace, name, from, to string) *types.TableInput {
	parameters := map[string]string{"table_type": "ICEBERG", currentParameter: to}
	if from != "" {
		parameters[previousParameter] = from
	}
	folder, _, _ := strings.Cut(to, "/metadata/")
	return &types.TableInput{
		Name: glueName(namespace, name), TableType: sdk.String("EXTERNAL_TABLE"), Parameters: parameters,
		StorageDescriptor: &types.StorageDescriptor{Location: &folder},
	}
}
