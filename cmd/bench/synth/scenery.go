package synth

// Everything here is invented. Texts are JSON text: escapes are part of them.
const (
	tenantName = "acme-demo"
	hostname   = "login.acme-demo.example"
)

type client struct{ id, name, callback string }

// The first application runs the first experiment, the second the second one.
var clients = [...]client{
	{"h7Yc0RkT4uWzN3bGdPqLx8VaSe6Jm1Fo", "Storefront Web", `https:\/\/shop.acme-demo.example\/callback`},
	{"m2Xw9KdQ7rTzB5vJhNcLy4PaUe8Sg0Fi", `Storefront Mobile – d\u00e9mo`, "com.acme-demo.shop://login/callback"},
	{"p5Zn1HvC8sRyE3gWkTbMx6QaLd9Ju2Fo", `Member \"Portal\"`, "https://members.acme-demo.example/cb"},
}

var machines = [...]client{
	{"s3Vd8LwB1yKzR6tNhQxJm9GcPe4Fa7Uo", "Stock Sync", ""},
	{"b9Jr2TzH5xWcN8kVmDyGq1LsPe6Fa3Uo", "Mailer", ""},
	{"k4Gs7PwN0vHzQ3yRjXbTc6MdLe9Fa1Ui", "Log Reader", ""},
}

// An Experiment is one of the two that the log tells of.
type Experiment struct {
	ID         string
	Variations []Variation // control first
}

// A Variation is an arm of an experiment.
type Variation struct {
	ID     string
	Weight int // percent
}

// Experiments are what the events carry.
var Experiments = [...]Experiment{
	{"exp_WydxsXWaxfEDuaYihtD8WM", []Variation{{"var_B7cuzni4gTWjqhjCh2wb65", 90}, {"var_4EzHg3sXNWfwEbGiLZ2k7X", 10}}},
	{"exp_5Dt3wP8qXnYm2kRvJu6aCf", []Variation{{"var_9KqTn2vRzXw4mHsYb7cLdE", 50}, {"var_Fp6uGj1aVo8eWi5xQr3tNz", 25}, {"var_2hSyMk7bDc4fTg9nLpJvUq", 25}}},
}

var connections = [...]struct{ name, id string }{
	{"Username-Password-Authentication", "con_Q2m8TzVb41xKcE0p"},
	{"legacy-members", "con_7bWn3RyHd0sVuJ5f"},
}

var desktops = [...]string{
	"Chrome 141.0.0 / Mac OS X 10.15.7", "Chrome 141.0.0 / Windows 10.0.0", "Edge 141.0.0 / Windows 10.0.0",
	"Firefox 144.0.0 / Ubuntu 0.0.0", "Safari 18.1.0 / Mac OS X 10.15.7", "Opera 122.0.0 / Windows 10.0.0",
}

var mobiles = [...]string{
	"Mobile Safari 18.1.0 / iOS 18.1.0", "Chrome Mobile 141.0.0 / Android 15.0.0",
	"Samsung Internet 28.0.0 / Android 15.0.0", "Chrome Mobile iOS 141.0.0 / iOS 18.1.0",
}

// names are local parts of addresses, in several alphabets and with escapes.
var names = [...]string{
	"pat", "sam.taylor", "jürgen.müller", `ren\u00e9e.dupont`, "Łukasz", "zoë", "o'neil",
	"山田.太郎", "иван", `\"quoted\".user`, "ana+shop", "kåre", `\ud83d\ude80.fan`,
}

// places are where addresses are thought to be, as the members of location_info.
var places = [...]string{
	`"country_code":"NL","country_code3":"NLD","country_name":"Netherlands","city_name":"Utrecht","latitude":52.0938,"longitude":5.1191,"time_zone":"Europe/Amsterdam","continent_code":"EU"`,
	`"country_code":"DE","country_code3":"DEU","country_name":"Germany","city_name":"Köln","latitude":50.9333,"longitude":6.95,"time_zone":"Europe\/Berlin","continent_code":"EU"`,
	`"country_code":"US","country_code3":"USA","country_name":"United States","city_name":"Columbus","latitude":39.9587,"longitude":-82.9987,"time_zone":"America/New_York","continent_code":"NA"`,
	`"country_code":"BR","country_code3":"BRA","country_name":"Brazil","city_name":"São Paulo","latitude":-23.5475,"longitude":-46.6361,"time_zone":"America/Sao_Paulo","continent_code":"SA"`,
	`"country_code":"JP","country_code3":"JPN","country_name":"Japan","city_name":"札幌市","latitude":43.0642,"longitude":141.3469,"time_zone":"Asia/Tokyo","continent_code":"AS"`,
	`"country_code":"FR","country_code3":"FRA","country_name":"France","city_name":"Orl\u00e9ans","latitude":47.9029,"longitude":1.9039,"time_zone":"Europe/Paris","continent_code":"EU"`,
}

var failures = [...]string{
	"User cancelled the login",
	`Callback URL mismatch. \"https:\/\/old.acme-demo.example\/cb\" is not in the list of allowed callback URLs`,
	"Unable to issue redirect for OAuth 2.0 transaction",
}
