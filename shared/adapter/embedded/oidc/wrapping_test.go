package oidc

import (
	"net/http"
	"testing"

	"github.com/beevik/etree"

	"github.com/tarnhq/tarn/shared/federation/samltest"
)

// evil is an assertion of somebody else, under an id of its own, without a signature.
func evil(from *etree.Element) *etree.Element {
	e := from.Copy()
	samltest.Remove(e, "./Signature")
	e.CreateAttr("ID", "id-evil")
	e.FindElement("./Subject/NameID").SetText("ada")
	return e
}

func evilResponse(from *etree.Element) *etree.Element {
	e := from.Copy()
	samltest.Remove(e, "./Signature")
	samltest.Remove(e, "./Assertion/Signature")
	e.CreateAttr("ID", "id-evil-response")
	e.FindElement("./Assertion").CreateAttr("ID", "id-evil")
	e.FindElement("./Assertion/Subject/NameID").SetText("ada")
	return e
}

// wraps are the shapes of Somorovsky and others ("On Breaking SAML: Be Whoever You Want to
// Be", 2012), by the numbers that tools give them, and some more. Each keeps what was
// signed as it was, somewhere, and shows a reader another assertion; nil where what it
// moves is not signed.
var wraps = map[string]func(r *etree.Element) *etree.Element{
	"1: the signed response in the signature of another": func(r *etree.Element) *etree.Element {
		other, signature := evilResponse(r), r.FindElement("./Signature")
		if signature == nil {
			return nil
		}
		moved := signature.Copy()
		r.RemoveChild(signature)
		moved.AddChild(r)
		other.AddChild(moved)
		return other
	},
	"2: the signed response beside the signature in another": func(r *etree.Element) *etree.Element {
		other, signature := evilResponse(r), r.FindElement("./Signature")
		if signature == nil {
			return nil
		}
		moved := signature.Copy()
		r.RemoveChild(signature)
		other.AddChild(r)
		other.AddChild(moved)
		return other
	},
	"3: another assertion before the signed one": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		r.InsertChildAt(signed.Index(), evil(signed))
		return r
	},
	"3b: another assertion after the signed one": func(r *etree.Element) *etree.Element {
		r.AddChild(evil(r.FindElement("./Assertion")))
		return r
	},
	"4: the signed assertion in another": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		other := evil(signed)
		r.RemoveChild(signed)
		other.AddChild(signed)
		r.AddChild(other)
		return r
	},
	"5: the signature in another, the signed assertion after it": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		signature, other := signed.FindElement("./Signature"), evil(signed)
		if signature == nil {
			return nil
		}
		signed.RemoveChild(signature)
		other.AddChild(signature)
		r.InsertChildAt(signed.Index(), other)
		return r
	},
	"6: the signed assertion in its signature, in another": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		signature, other := signed.FindElement("./Signature"), evil(signed)
		if signature == nil {
			return nil
		}
		r.RemoveChild(signed)
		signed.RemoveChild(signature)
		signature.AddChild(signed)
		other.AddChild(signature)
		r.AddChild(other)
		return r
	},
	"7: another assertion in extensions": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		extensions := etree.NewElement("samlp:Extensions")
		extensions.AddChild(evil(signed))
		r.InsertChildAt(signed.Index(), extensions)
		return r
	},
	"7b: the signed assertion in extensions": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		other, extensions := evil(signed), etree.NewElement("samlp:Extensions")
		r.RemoveChild(signed)
		extensions.AddChild(signed)
		r.AddChild(extensions)
		r.AddChild(other)
		return r
	},
	"8: the signed assertion in an object of the signature, in another": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		signature, other := signed.FindElement("./Signature"), evil(signed)
		if signature == nil {
			return nil
		}
		object := etree.NewElement("ds:Object")
		r.RemoveChild(signed)
		signed.RemoveChild(signature)
		object.AddChild(signed)
		signature.AddChild(object)
		other.AddChild(signature)
		r.AddChild(other)
		return r
	},
	"9: another assertion under the same id": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		other := evil(signed)
		other.CreateAttr("ID", signed.SelectAttrValue("ID", ""))
		r.InsertChildAt(signed.Index(), other)
		return r
	},
	"10: another assertion in a namespace of its own": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		other := evil(signed)
		other.CreateAttr("xmlns:saml", "urn:evil")
		r.InsertChildAt(signed.Index(), other)
		return r
	},
	"11: another subject in the signed assertion": func(r *etree.Element) *etree.Element {
		signed := r.FindElement("./Assertion")
		signed.InsertChildAt(0, evil(signed).FindElement("./Subject").Copy())
		return r
	},
}

func TestAWrappedSignatureSignsNobodyIn(t *testing.T) {
	for shape, wrap := range wraps {
		t.Run(shape, func(t *testing.T) {
			tried := 0
			for _, signed := range []samltest.Signed{samltest.Assertion, samltest.Response, samltest.Both} {
				c := newCompany(t)
				q, relay := c.question(t, newBrowser())
				response := c.idp.Answer(t, q, graceElsewhere, signed, nil)
				wrapped := wrap(response)
				if wrapped == nil {
					continue // what the shape moves is not signed
				}
				tried++
				wantTold(t, c.post(t, samltest.Text(t, wrapped), relay), http.StatusUnauthorized, "Try again from the start")
			}
			if tried == 0 {
				t.Error("the shape was not tried")
			}
		})
	}
}
