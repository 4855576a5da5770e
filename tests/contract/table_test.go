package contract

import (
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/table/tabletest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestTable(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.DynamoDB)
	name := services.Table(t)
	tabletest.Run(t, func(*testing.T) table.Table { return aws.NewTable(services.DynamoDB(), name) })
}
