package federation

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
	xrv "github.com/mattermost/xml-roundtrip-validator"
)

// The elements of a response that decide.
const (
	tagResponse  = "Response"
	tagAssertion = "Assertion"
	tagSignature = "Signature"
)

const maxDepth = 50 // of elements

// weak algorithms end so. Everything else that a signature may name, its verifier knows
// or refuses.
var weak = []string{"#sha1", "#rsa-sha1", "#dsa-sha1", "#ecdsa-sha1", "#hmac-sha1", "#md5", "#rsa-md5"}

// checkShape returns an error unless a response is of the one shape in which there is no
// question what a signature covers: one assertion, right below the response; signatures
// right below what they sign, which they name; every id once; and nothing that readers
// take differently, such as comments. Attacks by wrapping (Somorovsky and others, "On
// Breaking SAML", 2012) need another shape.
func checkShape(text []byte) error {
	if err := xrv.Validate(bytes.NewReader(text)); err != nil {
		return err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(text); err != nil {
		return err
	}
	root := doc.Root()
	if root == nil || root.Tag != tagResponse {
		return errors.New("this is no response")
	}
	for _, token := range doc.Child {
		if _, declaration := token.(*etree.ProcInst); token != etree.Token(root) && !declaration && !blank(token) {
			return errors.New("there is something beside the response")
		}
	}
	s := shape{ids: map[string]bool{}}
	if err := s.walk(root, nil, 0); err != nil {
		return err
	}
	assertion := only(root, tagAssertion)
	if assertion == nil || s.assertions != 1 {
		return fmt.Errorf("there are %d assertions, want one, right below the response", s.assertions)
	}
	return checkParts(assertion)
}

// checkParts asks for what readers of an assertion take for granted.
func checkParts(assertion *etree.Element) error {
	subject, conditions := only(assertion, "Subject"), only(assertion, "Conditions")
	if subject == nil || conditions == nil {
		return errors.New("the assertion has no single subject and conditions")
	}
	if name := only(subject, "NameID"); name == nil || len(name.ChildElements()) > 0 {
		return errors.New("the subject has no single name")
	}
	for _, confirmation := range children(subject, "SubjectConfirmation") {
		if only(confirmation, "SubjectConfirmationData") == nil {
			return errors.New("a confirmation of the subject has no data")
		}
	}
	return nil
}

// shape is what was seen of a response.
type shape struct {
	ids        map[string]bool
	assertions int
}

func (s *shape) walk(e, parent *etree.Element, depth int) error {
	if depth > maxDepth {
		return errors.New("the response is nested too deeply")
	}
	switch e.Tag {
	case tagAssertion:
		s.assertions++
	case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute":
		return errors.New("the response is encrypted, for whom we do not know")
	case tagSignature:
		if err := checkSignature(e, parent); err != nil {
			return err
		}
	}
	for _, a := range e.Attr {
		if strings.EqualFold(a.Key, "id") {
			if s.ids[a.Value] || a.Key != "ID" || a.Space != "" {
				return fmt.Errorf("an id is there twice, or of another kind: %.100q", a.Value)
			}
			s.ids[a.Value] = true
		}
		if a.Key == "Algorithm" && slices.ContainsFunc(weak, func(end string) bool { return strings.HasSuffix(a.Value, end) }) {
			return fmt.Errorf("the algorithm is weak: %.100q", a.Value)
		}
	}
	for _, token := range e.Child {
		switch child := token.(type) {
		case *etree.Element:
			if err := s.walk(child, e, depth+1); err != nil {
				return err
			}
		case *etree.CharData:
		default: // a comment, an instruction, a directive
			return errors.New("the response holds more than elements and text")
		}
	}
	return nil
}

// checkSignature wants one signature of its parent, by its parent's id.
func checkSignature(signature, parent *etree.Element) error {
	if parent == nil || parent.Tag != tagResponse && parent.Tag != tagAssertion || only(parent, tagSignature) == nil {
		return errors.New("a signature is not right below what it signs, or not the only one")
	}
	info := only(signature, "SignedInfo")
	if info == nil || len(children(signature, "Object")) > 0 {
		return errors.New("a signature has no single SignedInfo, or an object of its own")
	}
	reference := only(info, "Reference")
	id := parent.SelectAttrValue("ID", "")
	if reference == nil || id == "" || reference.SelectAttrValue("URI", "") != "#"+id {
		return errors.New("a signature is of something else than what it stands in")
	}
	return nil
}

// children returns the elements of this name right below one, whatever their namespace:
// who hides an element in another gains nothing.
func children(e *etree.Element, tag string) (found []*etree.Element) {
	for _, child := range e.ChildElements() {
		if child.Tag == tag {
			found = append(found, child)
		}
	}
	return found
}

// only returns the one element of this name right below one, or nil.
func only(e *etree.Element, tag string) *etree.Element {
	if found := children(e, tag); len(found) == 1 {
		return found[0]
	}
	return nil
}

func blank(token etree.Token) bool {
	data, ok := token.(*etree.CharData)
	return ok && data.IsWhitespace()
}
