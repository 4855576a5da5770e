package contract

import (
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/push/pushtest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestPush(t *testing.T) {
	t.Parallel()
	if oracle.Real() {
		t.Skip("an account has no WebSocket API before Tarn is deployed; without TARN_AWS this test uses a stage of its own")
	}
	stage := oracle.StartWebSockets(t)
	pushtest.Run(t, func(*testing.T) pushtest.Fixture {
		return pushtest.Fixture{
			Push:    aws.NewPush(stage.Config, stage.URL),
			Connect: func(*testing.T) pushtest.Client { return stage.Connect() },
		}
	})
}

func TestACallSignedForAnotherRegionIsRefused(t *testing.T) {
	t.Parallel()
	stage := oracle.StartWebSockets(t)
	abroad := stage.Config
	abroad.Region = "eu-central-1"
	err := aws.NewPush(abroad, stage.URL).Send(t.Context(), stage.Connect().ID(), []byte("m"))
	if !fault.Is(err, fault.Internal) {
		t.Errorf("Send: %v, want our own mistake, Internal", err)
	}
}
