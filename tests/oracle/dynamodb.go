package oracle

import (
	"context"
	"os/exec"
	"strconv"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tarnhq/tarn/shared/config"
)

const dynamoFolder = "amplify-dynamodb-simulator/emulator"

func startDynamoDB(t testing.TB) string {
	port := freePort(t)
	child := exec.Command("java", "-Xmx512m", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port))
	child.Dir = installed(dynamoFolder)
	return run(t, port, child)
}

// DynamoDB is a client of the service.
func (a *All) DynamoDB() *dynamodb.Client {
	return dynamodb.NewFromConfig(a.config, func(o *dynamodb.Options) { o.BaseEndpoint = a.endpoint(DynamoDB) })
}

// Table makes a table and returns its name.
func (a *All) Table(t testing.TB) string {
	t.Helper()
	client, table := a.DynamoDB(), name()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: sdk.String(config.PartitionKey), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: sdk.String(config.SortKey), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: sdk.String(config.PartitionKey), KeyType: types.KeyTypeHash},
			{AttributeName: sdk.String(config.SortKey), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatalf("create a table: %v", err)
	}
	cleanup(t, "table", func(ctx context.Context) error {
		_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
		return err
	})
	exists := dynamodb.NewTableExistsWaiter(client)
	if err := exists.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &table}, 2*time.Minute); err != nil {
		t.Fatalf("create a table: %v", err)
	}
	return table
}
