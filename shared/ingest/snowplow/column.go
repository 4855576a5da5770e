package snowplow

import "github.com/tarnhq/tarn/events"

// column is what a parameter of the protocol becomes: a part of the event, or else the
// property of that name.
type column struct {
	part   part
	name   string
	number bool // its text is a number's
}

// part is a part of an event that is no property as it stands.
type part uint8

const (
	property part = iota
	partEvent
	partID
	partUser
	partDomainUser
	partSession
	partTrueTime
	partDeviceTime
	partSentTime
	partSelfDescribing
	partSelfDescribing64
	partContexts
	partContexts64
	parts
)

// limits are how long parts may be that are names or ids.
var limits = [parts]int{partEvent: events.MaxName, partID: events.MaxID, partUser: events.MaxSubject, partDomainUser: events.MaxSubject, partSession: events.MaxSubject}

// columns are named as Snowplow's table of events has them. A parameter that is not among
// them keeps its name.
var columns = map[string]column{
	"e": {part: partEvent}, "eid": {part: partID}, "uid": {part: partUser}, "duid": {part: partDomainUser}, "sid": {part: partSession},
	"ttm": {part: partTrueTime}, "dtm": {part: partDeviceTime}, "stm": {part: partSentTime},
	"ue_pr": {part: partSelfDescribing}, "ue_px": {part: partSelfDescribing64}, "co": {part: partContexts}, "cx": {part: partContexts64},

	"aid": {name: "app_id"}, "p": {name: "platform"}, "tna": {name: "name_tracker"}, "tv": {name: "v_tracker"},
	"nuid": {name: "network_userid"}, "tnuid": {name: "network_userid"}, "vid": {name: "domain_sessionidx", number: true}, "ip": {name: "user_ipaddress"},
	"url": {name: "page_url"}, "page": {name: "page_title"}, "refr": {name: "page_referrer"}, "ua": {name: "useragent"},
	"lang": {name: "br_lang"}, "tz": {name: "os_timezone"}, "cs": {name: "doc_charset"},
	"se_ca": {name: "se_category"}, "se_ac": {name: "se_action"}, "se_la": {name: "se_label"}, "se_pr": {name: "se_property"}, "se_va": {name: "se_value", number: true},
	"pp_mix": {name: "pp_xoffset_min", number: true}, "pp_max": {name: "pp_xoffset_max", number: true},
	"pp_miy": {name: "pp_yoffset_min", number: true}, "pp_may": {name: "pp_yoffset_max", number: true},
	"tr_id": {name: "tr_orderid"}, "tr_af": {name: "tr_affiliation"}, "tr_tt": {name: "tr_total", number: true}, "tr_tx": {name: "tr_tax", number: true},
	"tr_sh": {name: "tr_shipping", number: true}, "tr_ci": {name: "tr_city"}, "tr_st": {name: "tr_state"}, "tr_co": {name: "tr_country"}, "tr_cu": {name: "tr_currency"},
	"ti_id": {name: "ti_orderid"}, "ti_sk": {name: "ti_sku"}, "ti_nm": {name: "ti_name"}, "ti_ca": {name: "ti_category"},
	"ti_pr": {name: "ti_price", number: true}, "ti_qu": {name: "ti_quantity", number: true}, "ti_cu": {name: "ti_currency"},
}

// Properties that are made of an event's parts.
const (
	schemaName   = "event_schema"
	contextsName = "contexts"
	deviceTime   = "dvce_created_tstamp"
)

// reserved are the names that a self-describing event's data cannot take, so that no
// column mixes the two.
var reserved = func() map[string]bool {
	all := map[string]bool{schemaName: true, contextsName: true, deviceTime: true}
	for _, c := range columns {
		all[c.name] = c.part == property
	}
	return all
}()

// nameOf is an event's name by its type. That of a self-describing one is its schema's.
func nameOf(e string) string {
	switch e {
	case "pv":
		return "page_view"
	case "pp":
		return "page_ping"
	case "se":
		return "struct"
	case "tr":
		return "transaction"
	case "ti":
		return "transaction_item"
	}
	return e
}
