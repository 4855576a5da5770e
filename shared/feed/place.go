package feed

import (
	"strconv"
	"time"
)

// OfKinesis is a record of a Kinesis stream. No two records of a shard ever have the same
// sequence number, not even where a stream is deleted and made anew. Kinesis counts
// milliseconds, and a library in between may not.
func OfKinesis(shard, sequence string, arrived time.Time, data []byte) Record {
	return Record{Partition: shard, Place: sequence, Time: arrived.Round(time.Millisecond).UnixMicro(), Data: data}
}

// OfKafka is a record of a topic of Kafka, with its timestamp in Unix milliseconds, which is
// negative where it has none. Offsets begin again at 0 when a topic is deleted and made
// anew, so that the timestamp is part of the record's place: it never changes either.
func OfKafka(partition, offset, timestamp int64, value []byte) Record {
	place := strconv.FormatInt(offset, 10)
	if timestamp < 0 {
		return Record{Partition: strconv.FormatInt(partition, 10), Place: place, Data: value}
	}
	return Record{Partition: strconv.FormatInt(partition, 10), Place: place + "-" + strconv.FormatInt(timestamp, 10), Time: micros(timestamp), Data: value}
}

// micros is a time that no event may have, where the milliseconds are some other unit.
func micros(millis int64) int64 {
	if millis >= latest/1000 {
		return latest
	}
	return millis * 1000
}
