package aws

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/tarnhq/tarn/shared/fault"
)

// kinds of the services' error codes. A code that is not here counts by its HTTP
// status: a missing table or a denied action is our own mistake, hence Internal.
var kinds = map[string]fault.Kind{
	"ConditionalCheckFailedException": fault.Conflict,
	"PreconditionFailed":              fault.Conflict,
	"UsernameExistsException":         fault.Conflict,
	"AliasExistsException":            fault.Conflict,
	"AlreadyExistsException":          fault.Conflict,
	"ConcurrentModificationException": fault.Conflict,
	"VersionMismatchException":        fault.Conflict,

	"ValidationException":          fault.Invalid,
	"InvalidArgumentException":     fault.Invalid,
	"InvalidParameterException":    fault.Invalid,
	"InvalidPasswordException":     fault.Invalid,
	"InvalidMessageContents":       fault.Invalid,
	"InvalidParameterValue":        fault.Invalid,
	"ReceiptHandleIsInvalid":       fault.Invalid,
	"InvalidRange":                 fault.Invalid,
	"KeyTooLongError":              fault.Invalid,
	"ObjectParentIsFile":           fault.Invalid,
	"ExistingObjectIsDirectory":    fault.Invalid,
	"EntityTooLarge":               fault.TooLarge,
	"RequestEntityTooLarge":        fault.TooLarge,
	"NoSuchKey":                    fault.NotFound,
	"NotFound":                     fault.NotFound,
	"UserNotFoundException":        fault.NotFound,
	"EntityNotFoundException":      fault.NotFound,
	"OverLimit":                    fault.Throttled,
	"KmsThrottled":                 fault.Throttled,
	"KMSThrottlingException":       fault.Throttled,
	"TransactionConflictException": fault.Throttled,

	// The earlier request with this token may still be applied.
	"TransactionInProgressException": fault.Unavailable,
	"ConditionalRequestConflict":     fault.Unavailable,
}

var phrases = map[fault.Kind]string{
	fault.Internal:    "failed",
	fault.Invalid:     "refused the request as invalid",
	fault.NotFound:    "has no such thing",
	fault.Conflict:    "has moved on",
	fault.TooLarge:    "refused the request as too large",
	fault.Throttled:   "is busy",
	fault.Unavailable: "did not answer",
}

// translate gives an SDK error its kind. The port names what failed.
func translate(port string, err error) error {
	if err == nil {
		return nil
	}
	return faultOf(port, kindOf(err), err)
}

func faultOf(port string, kind fault.Kind, cause error) error {
	return fault.New(kind, port+"_"+kind.String(), "the %s %s", port, phrases[kind]).Because(cause)
}

// kindOf treats an error without an answer as Unavailable: the request may have
// been applied. Only a request that never left for a flaw of its own is Internal.
func kindOf(err error) fault.Kind {
	if code := codeOf(err); code != "" {
		return kindOfCode(code, statusOf(err))
	}
	if status := statusOf(err); status >= 400 {
		return kindOfStatus(status)
	}
	var params smithy.InvalidParamsError
	var encoding *smithy.SerializationError
	if errors.As(err, &params) || errors.As(err, &encoding) {
		return fault.Internal
	}
	return fault.Unavailable
}

func kindOfCode(code string, status int) fault.Kind {
	if kind, ok := kinds[code]; ok {
		return kind
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return fault.Throttled
	}
	return kindOfStatus(status)
}

func kindOfStatus(status int) fault.Kind {
	switch {
	case status == 429:
		return fault.Throttled
	case status >= 500:
		return fault.Unavailable
	default:
		return fault.Internal
	}
}

// codeOf returns the service's error code, or "" if the service did not answer.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func statusOf(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
