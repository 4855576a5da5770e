package schedules

// The reasons for which our ticks are others than the library's, all of them where a clock
// is changed. docs/schedules.md says why ours are as they are.
const (
	endOfGap    = "a skipped time is due when the gap ends, and the library adds the length of the gap to it"
	inBoth      = "what floats is due in both of two doubled hours, and the library has it in one"
	firstOfBoth = "what does not float is due in the first of two doubled half hours, and the library takes the second"
	notInGap    = "what floats is not due in a skipped hour, and the library moves it past the gap"
)

// explained has each difference, by schedule and reason.
var explained = []struct {
	why, zone, cron string
	ours, theirs    []string
}{
	{endOfGap, "Europe/Zurich", "30 2 * * *",
		[]string{"2024-03-31T01:00:00Z", "2025-03-30T01:00:00Z"},
		[]string{"2024-03-31T01:30:00Z", "2025-03-30T01:30:00Z"}},
	{inBoth, "Europe/Zurich", "*/15 * * * SUN",
		[]string{"2024-10-27T01:00:00Z", "2024-10-27T01:15:00Z", "2024-10-27T01:30:00Z", "2024-10-27T01:45:00Z", "2025-10-26T01:00:00Z", "2025-10-26T01:15:00Z", "2025-10-26T01:30:00Z", "2025-10-26T01:45:00Z"},
		nil},
	{inBoth, "Europe/Zurich", "0 */2 * * *",
		[]string{"2024-10-27T01:00:00Z", "2025-10-26T01:00:00Z"},
		nil},
	{notInGap, "Europe/Zurich", "0 */2 * * *",
		nil,
		[]string{"2024-03-31T01:00:00Z", "2025-03-30T01:00:00Z"}},
	{endOfGap, "America/New_York", "15 2 * * *",
		[]string{"2024-03-10T07:00:00Z", "2025-03-09T07:00:00Z"},
		[]string{"2024-03-10T07:15:00Z", "2025-03-09T07:15:00Z"}},
	{inBoth, "America/New_York", "5 * * * *",
		[]string{"2024-11-03T06:05:00Z", "2025-11-02T06:05:00Z"},
		nil},
	{notInGap, "America/New_York", "45 0-6/2 * * *",
		nil,
		[]string{"2024-03-10T07:45:00Z", "2025-03-09T07:45:00Z"}},
	{endOfGap, "Australia/Lord_Howe", "15 2 * * *",
		[]string{"2024-10-05T15:30:00Z", "2025-10-04T15:30:00Z"},
		[]string{"2024-10-05T15:45:00Z", "2025-10-04T15:45:00Z"}},
	{firstOfBoth, "Australia/Lord_Howe", "45 1 * * *",
		[]string{"2024-04-06T14:45:00Z", "2025-04-05T14:45:00Z"},
		[]string{"2024-04-06T15:15:00Z", "2025-04-05T15:15:00Z"}},
	{inBoth, "Australia/Lord_Howe", "*/10 * * * SUN",
		[]string{"2024-04-06T14:30:00Z", "2024-04-06T14:40:00Z", "2024-04-06T14:50:00Z", "2025-04-05T14:30:00Z", "2025-04-05T14:40:00Z", "2025-04-05T14:50:00Z"},
		nil},
	{firstOfBoth, "Australia/Lord_Howe", "30 1 * * *",
		[]string{"2024-04-06T14:30:00Z", "2025-04-05T14:30:00Z"},
		[]string{"2024-04-06T15:00:00Z", "2025-04-05T15:00:00Z"}},
	{endOfGap, "America/Santiago", "30 0 * * *",
		[]string{"2024-09-08T04:00:00Z", "2025-09-07T04:00:00Z"},
		[]string{"2024-09-08T04:30:00Z", "2025-09-07T04:30:00Z"}},
	{inBoth, "America/Santiago", "20,50 * * * SAT,SUN",
		[]string{"2024-04-07T03:20:00Z", "2024-04-07T03:50:00Z", "2025-04-06T03:20:00Z", "2025-04-06T03:50:00Z"},
		nil},
	{endOfGap, "Asia/Beirut", "15 0 * * SUN",
		[]string{"2024-03-30T22:00:00Z", "2025-03-29T22:00:00Z"},
		[]string{"2024-03-30T22:15:00Z", "2025-03-29T22:15:00Z"}},
	{notInGap, "Asia/Beirut", "0 */6 * * *",
		nil,
		[]string{"2024-03-30T22:00:00Z", "2025-03-29T22:00:00Z"}},
	{endOfGap, "Africa/Casablanca", "30 2 * * *",
		[]string{"2024-04-14T02:00:00Z", "2025-04-06T02:00:00Z"},
		[]string{"2024-04-14T02:30:00Z", "2025-04-06T02:30:00Z"}},
	{inBoth, "Africa/Casablanca", "*/30 * * * SUN",
		[]string{"2024-03-10T02:00:00Z", "2024-03-10T02:30:00Z", "2025-02-23T02:00:00Z", "2025-02-23T02:30:00Z"},
		nil},
	{endOfGap, "Africa/Casablanca", "10 1,2,3 * * *",
		[]string{"2024-04-14T02:00:00Z", "2025-04-06T02:00:00Z"},
		nil},
}
