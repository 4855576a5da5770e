package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/jsii-runtime-go"
)

// newDatabase lists the Iceberg tables where Athena, Spark and Trino look for them.
func newDatabase(stack awscdk.Stack, s Stage) {
	database := awsglue.NewCfnDatabase(stack, jsii.String("Tables"), &awsglue.CfnDatabaseProps{
		CatalogId: stack.Account(),
		DatabaseInput: &awsglue.CfnDatabase_DatabaseInputProperty{
			Name: jsii.String(databaseName(s)), Description: jsii.String("Tarn: datasets as Iceberg tables"),
		},
	})
	database.ApplyRemovalPolicy(s.removal(), nil)
}

// databaseName names the database of a stage. Athena knows no hyphens in names.
func databaseName(s Stage) string { return "tarn_" + s.Name }

// tables returns the name by which IAM knows something of the account's catalog.
func (d data) tables(what string) string {
	return *d.stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("glue"), Resource: jsii.String(what)})
}
