package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"strconv"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// place is where a value belongs.
type place struct {
	tenant  tenant.ID
	name    secret.Name
	version uint64
}

// bytes is what is authenticated with a value. Neither tenants nor names hold a zero byte.
func (p place) bytes() []byte {
	return []byte("tarn/secret/1\x00" + string(p.tenant) + "\x00" + string(p.name) + "\x00" + strconv.FormatUint(p.version, 10))
}

// cipher returns AES-256 in GCM (NIST SP 800-38D), whose random nonce of 96 bits stands
// before what is sealed: good for 2^32 values under one key.
func (k key) cipher() cipher.AEAD {
	block, err := aes.NewCipher(k.value.Reveal())
	if err != nil {
		panic(err) // the length was checked when the key was read
	}
	sealed, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // of a block size that is not AES's
	}
	return sealed
}

func (k key) seal(at place, value secret.Value) []byte {
	return k.cipher().Seal(nil, nil, value.Reveal(), at.bytes())
}

func (k key) open(at place, sealed []byte) (secret.Value, error) {
	text, err := k.cipher().Open(nil, nil, sealed, at.bytes())
	if err != nil {
		return secret.Value{}, fault.New(fault.Internal, "secret_damaged", "the secret %s of %s was altered, or is another's", at.name, at.tenant).Because(err)
	}
	return secret.New(text), nil
}

func (e envelope) open(k *key, t tenant.ID, name secret.Name) (out secret.Secret, err error) {
	if out.Current, err = k.open(place{t, name, e.Version}, e.Current); err != nil || e.Previous == nil {
		return out, err
	}
	out.Previous, err = k.open(place{t, name, e.Version - 1}, e.Previous)
	return out, err
}
