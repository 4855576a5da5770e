package aws

import (
	"crypto/md5" // #nosec G501 -- Kinesis places records by it; nothing is protected
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/tarnhq/tarn/shared/stream"
)

// partitionKey is what a record is stored with; HashOf is its inverse.
func partitionKey(h stream.Hash) *string {
	return sdk.String(fmt.Sprintf("%016x", uint64(h)))
}

// HashOf returns the hash of a record with this partition key. Another producer's
// key counts by its MD5 sum, which is where Kinesis places it.
func HashOf(partitionKey string) stream.Hash {
	if h, err := strconv.ParseUint(partitionKey, 16, 64); err == nil && len(partitionKey) == 16 {
		return stream.Hash(h)
	}
	sum := md5.Sum([]byte(partitionKey)) // #nosec G401 -- Kinesis places records by it; nothing is protected
	return stream.Hash(binary.BigEndian.Uint64(sum[:8]))
}

// hashKey is the 128-bit hash key of a hash, in decimal.
func hashKey(h stream.Hash) *string {
	wide := new(big.Int).SetUint64(uint64(h))
	return sdk.String(wide.Lsh(wide, 64).String())
}

// hashRange returns the hashes whose hash keys are within a range. A range that
// begins between two hashes begins with the upper one.
func hashRange(r *types.HashKeyRange) (from, through stream.Hash, err error) {
	if r == nil {
		return 0, 0, fmt.Errorf("a shard without a range")
	}
	low, okLow := new(big.Int).SetString(sdk.ToString(r.StartingHashKey), 10)
	high, okHigh := new(big.Int).SetString(sdk.ToString(r.EndingHashKey), 10)
	if !okLow || !okHigh {
		return 0, 0, fmt.Errorf("a shard with the range %q to %q", sdk.ToString(r.StartingHashKey), sdk.ToString(r.EndingHashKey))
	}
	below := new(big.Int).SetUint64(1<<64 - 1)
	low.Add(low, below)
	return stream.Hash(low.Rsh(low, 64).Uint64()), stream.Hash(high.Rsh(high, 64).Uint64()), nil
}
