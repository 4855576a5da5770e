package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/tarnhq/tarn/shared/lake/pointertest"
)

// catalog answers as the Glue Data Catalog does, as far as Pointers ask.
type catalog struct {
	mu     sync.Mutex
	tables map[string]map[string]any
}

type glueRequest struct {
	Name       string
	TableInput map[string]any
	VersionId  string
}

func (c *catalog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var in glueRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, refusal := c.do(action, in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if refusal != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": refusal}
	}
	_ = json.NewEncoder(w).Encode(answer) // the client tells
}

func (c *catalog) do(action string, in glueRequest) (answer map[string]any, refusal string) {
	name := in.Name
	if in.TableInput != nil {
		name = in.TableInput["Name"].(string)
	}
	now, exists := c.tables[name]
	switch {
	case action == "CreateTable" && exists:
		return nil, "AlreadyExistsException"
	case action != "CreateTable" && !exists:
		return nil, "EntityNotFoundException"
	case action == "GetTable":
		return map[string]any{"Table": now}, ""
	case action == "UpdateTable" && in.VersionId != now["VersionId"]:
		return nil, "ConcurrentModificationException"
	}
	version := 0
	if exists {
		_, _ = fmt.Sscan(now["VersionId"].(string), &version)
	}
	in.TableInput["VersionId"] = fmt.Sprint(version + 1)
	c.tables[name] = in.TableInput
	return map[string]any{}, ""
}

func TestPointers(t *testing.T) {
	pointertest.Run(t, func(t *testing.T) pointertest.Pointers {
		service := httptest.NewServer(&catalog{tables: map[string]map[string]any{}})
		t.Cleanup(service.Close)
		account := Account{sdk.Config{Region: "eu-central-1", BaseEndpoint: &service.URL, Credentials: sdk.AnonymousCredentials{}}}
		return account.Pointers("tarn")
	})
}
