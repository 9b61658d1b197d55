package archtest

// row says what a package may import. Anything else fails the test, and so
// does an entry that nothing uses: the table tells how the program is built.
type row struct {
	pkg string // path in the module
	// own are the packages of this module that it may import, and libs the
	// modules of others, both separated by spaces.
	own, libs string
	why       string
}

const (
	sdk  = "github.com/aws/aws-sdk-go-v2"
	uuid = "github.com/google/uuid"
	pgx  = "github.com/jackc/pgx/v5"
)

// table goes from what knows nothing to what knows everything. The standard
// library is open to all but the core, see pureStd.
var table = []row{
	{"internal/core/fault", "", "", "the error type that all layers share"},
	{"internal/core/variable", "internal/core/fault", "", "pure"},
	{"internal/core/cron", "", "", "pure"},
	{"internal/core/eventrule", "internal/core/cron", "", "pure"},
	{"internal/core/pattern", "", "", "pure"},
	{"internal/core/rule", "internal/core/cron internal/core/pattern", "", "pure"},
	{"internal/core/glob", "", "", "pure: the language of filters alone"},
	{"internal/core/pipeline", "internal/core/fault internal/core/glob internal/core/rule internal/core/variable", "", "pure"},
	{"internal/core/trigger", "internal/core/glob internal/core/pipeline", "", "pure"},
	{"internal/core/actiontype", "internal/core/fault internal/core/pipeline internal/core/rule", "", "pure"},
	{"internal/core/job", "internal/core/fault internal/core/pipeline", "", "pure"},
	{"internal/core/engine", "internal/core/fault internal/core/job internal/core/pipeline internal/core/rule internal/core/variable", "",
		"pure: the core decides, the shell acts"},

	{"jobworker", "", "github.com/cenkalti/backoff/v5", "public: a stranger's worker must not pull the server in"},
	{"jobworker/awsjobs", "jobworker", sdk + " github.com/aws/smithy-go", "apart from the kit, so that the kit does not need the SDK"},
	{"jobworker/internal/fakeaws", "", "", "stands in for the server in the kit's tests"},

	{"internal/sigv4", "", "", "the protocol alone; it knows no accounts"},
	{"internal/archive", "", "", "zip and tar alone"},
	{"internal/workspace", "", "", "folders alone"},
	{"internal/procgroup", "", "", "processes alone"},
	{"internal/hostcert", "", "", "certificates alone"},
	{"internal/git", "internal/procgroup internal/workspace", "", "the git program alone; it knows no connections"},
	{"internal/git/gittest", "", "", "repositories for tests"},
	{"internal/trouble", "", "", "words alone"},
	{"internal/jsonpath", "internal/core/pattern", "", "paths alone; it knows no webhooks"},
	{"internal/migration", "", "", "the files alone; it knows no database"},
	{"internal/transfer", "", "", "the form alone; it knows no tables"},
	{"internal/backup", "", "", "the form alone; it knows not what is in the files"},
	{"internal/sqlite", "internal/migration internal/transfer", "modernc.org/sqlite modernc.org/libc", "the only package that knows which SQLite it is"},
	{"internal/obs", "", "github.com/prometheus/client_golang", "the only package that knows Prometheus"},
	{"internal/config", "", "github.com/spf13/pflag", "values, not things: app makes things of them"},

	{"internal/apigen", "", "", "the generator knows the model, not what is generated"},
	{"internal/apigen/cmd", "internal/apigen", "", "writes the files"},
	{"internal/conformance", "", "", "reads the model for tests; it knows nothing of what is generated"},
	{"internal/api", "internal/core/fault internal/trouble", uuid, "wire only: no principal, no store, no engine"},
	{"internal/auth", "internal/core/fault internal/sigv4", "", "who calls; what they may do with what, it is told"},

	{"internal/store", "internal/core/actiontype internal/core/engine internal/core/job internal/core/pipeline internal/transfer", "",
		"the port: no driver, no SQL"},
	{"internal/store/memo", "", "", "what the drivers keep in memory"},
	{"internal/store/sqlite", "internal/core/engine internal/core/job internal/core/pipeline internal/migration internal/sqlite internal/store internal/store/memo internal/transfer", "",
		"a driver: it never sees another one"},
	{"internal/store/postgres", "internal/core/engine internal/core/job internal/core/pipeline internal/migration internal/store internal/store/memo internal/transfer internal/trouble", pgx,
		"a driver: it never sees another one"},
	{"internal/store/postgres/pgtest", "", pgx, "starts PostgreSQL for tests"},
	{"internal/store/storetest", "internal/core/actiontype internal/core/engine internal/core/fault internal/core/job internal/core/pipeline internal/store internal/trouble", uuid,
		"one suite for every driver, so it names none"},

	{"internal/blob", "", "", "the port: no driver"},
	{"internal/blob/blobtest", "internal/blob", "", "one suite for every driver, so it names none"},
	{"internal/blob/fileblob", "internal/blob internal/sqlite internal/transfer", "", "a driver: it never sees another one"},
	{"internal/blob/s3blob", "internal/blob", sdk + " github.com/aws/smithy-go", "a driver: it never sees another one"},
	{"internal/actionlog", "internal/blob", "", "logs are objects"},

	{"internal/s3", "internal/auth internal/blob internal/core/fault internal/sigv4 internal/trouble", "", "S3 knows no pipelines"},
	{"internal/sts", "internal/auth internal/sigv4 internal/trouble", "", "STS knows no pipelines"},

	{"internal/event", "internal/core/actiontype internal/core/engine internal/store", uuid,
		"it reads the outbox like any reader; sinks know no engine"},
	{"internal/event/snssink", "internal/event", sdk + " github.com/aws/smithy-go", "publishes to Amazon SNS"},

	{"internal/sourcehost", "", "", "the API of GitHub and Gitea alone"},
	{"internal/gitevent", "internal/core/trigger", "", "what Git hosts deliver, without the world"},
	{"internal/connection", "internal/core/engine internal/core/trigger internal/git internal/gitevent internal/store", "",
		"an event is one store call, like an operation"},
	{"internal/webhook", "internal/connection internal/core/actiontype internal/core/engine internal/core/fault internal/core/pipeline internal/core/trigger internal/git internal/gitevent internal/jsonpath internal/store internal/trouble", "",
		"a delivery is one store call, like an operation; it knows no principal and no wire of AWS"},
	{"internal/audit", "internal/api internal/auth internal/core/fault internal/core/job internal/store", "", "who touched which secret; names no operation"},
	{"internal/eventbridge", "internal/api internal/auth internal/core/engine internal/core/eventrule internal/core/fault internal/event internal/jsonpath internal/store", "",
		"a service of its own beside CodePipeline; it starts pipelines by store.Step like any operation"},
	{"internal/service", "internal/api internal/audit internal/auth internal/blob internal/core/actiontype internal/core/engine internal/core/fault internal/core/job internal/core/pipeline internal/core/trigger internal/sourcehost internal/store internal/webhook jobworker", "",
		"authorise, translate, one store call; jobworker only to satisfy its Client"},
	{"internal/control", "internal/actionlog internal/api internal/audit internal/auth internal/connection internal/core/actiontype internal/core/engine internal/core/fault internal/core/pipeline internal/core/trigger internal/event internal/service internal/store internal/webhook", "",
		"the same for Penstock's own operations"},
	{"internal/scheduler", "internal/core/engine internal/store", "", "it calls store.Step like any operation"},

	{"internal/provider", "internal/archive internal/git jobworker", "", "built-in actions are job workers: never store, service or api"},
	{"internal/provider/providertest", "internal/provider jobworker", "", "one suite for every provider"},
	{"internal/provider/alarm", "internal/core/rule internal/provider jobworker", sdk + " github.com/aws/smithy-go", "a job worker; CloudWatch by the SDK"},
	{"internal/provider/commands", "internal/archive internal/procgroup internal/provider internal/workspace jobworker", "github.com/bmatcuk/doublestar/v4", "a job worker"},
	{"internal/provider/connectionsource", "internal/archive internal/git internal/provider jobworker", "", "a job worker; the repository by a port"},
	{"internal/provider/invokepipeline", "internal/provider jobworker", "", "a job worker; it starts pipelines by a port"},
	{"internal/provider/lambda", "internal/procgroup internal/provider jobworker", sdk + " github.com/aws/smithy-go", "a job worker; Lambda by the SDK"},
	{"internal/provider/rulecommands", "internal/provider internal/provider/commands jobworker", "", "commands, as a rule"},
	{"internal/provider/s3deploy", "internal/archive internal/provider internal/workspace jobworker", uuid + " golang.org/x/sync", "a job worker"},
	{"internal/provider/s3source", "internal/provider jobworker", "", "a job worker"},

	{"internal/app", "internal/actionlog internal/api internal/auth internal/backup internal/blob internal/blob/fileblob internal/blob/s3blob internal/config internal/connection internal/control internal/core/engine internal/core/fault internal/core/job internal/core/pipeline internal/core/trigger internal/event internal/eventbridge internal/git internal/event/snssink internal/hostcert internal/migration internal/obs internal/provider internal/provider/alarm internal/provider/commands internal/provider/connectionsource internal/provider/invokepipeline internal/provider/lambda internal/provider/rulecommands internal/provider/s3deploy internal/provider/s3source internal/s3 internal/scheduler internal/service internal/sigv4 internal/sourcehost internal/store internal/store/postgres internal/store/sqlite internal/sts internal/transfer internal/webhook jobworker internal/trouble", sdk + " " + uuid,
		"composition: it alone may name every driver and provider"},

	{"internal/declfile", "internal/api internal/core/actiontype internal/core/pipeline internal/service", "go.yaml.in/yaml/v3", "the rules of the server without a server"},
	{"internal/runlocal", "internal/api internal/app internal/archive internal/config internal/core/actiontype internal/core/pipeline internal/execworker internal/sigv4 internal/workspace jobworker",
		sdk + " github.com/spf13/pflag", "a server of its own, and a client of it"},
	{"internal/clientcfg", "internal/api internal/sigv4 jobworker", sdk, "finds the server as the AWS CLI does"},
	{"internal/execworker", "internal/archive internal/procgroup internal/workspace jobworker", sdk, "a stranger's worker: the public kit and S3, nothing of the server"},
	{"internal/demo", "internal/api internal/auth internal/control internal/sigv4", sdk, "a client that starts its own server process"},
	{"cmd/penstock", "internal/api internal/app internal/clientcfg internal/config internal/connection internal/control internal/core/actiontype internal/declfile internal/demo internal/execworker internal/hostcert internal/runlocal jobworker",
		"github.com/spf13/cobra github.com/spf13/pflag golang.org/x/sync golang.org/x/term", "parses and wires; what it does not import it cannot do behind the API"},

	{"bench", "internal/api internal/sigv4 internal/sqlite internal/store/postgres/pgtest", pgx + " github.com/spf13/pflag golang.org/x/sync golang.org/x/sys", "drives the binary; signs with a lean client"},
	{"internal/awscli", "", "", "runs the installed AWS CLI for tests"},
	{"e2e", "", "", "drives the binary"},
	{"e2e/joblife", "", "github.com/anishathalye/porcupine", "judges what clients saw, and knows nothing of the server"},
	{"e2e/node", "", "", "fetches the SDKs for JavaScript for tests"},
	{"internal/archtest", "", "", "reads the source"},
	{"internal/doctest", "", "", "runs what the pages say"},
}

// pureStd is what the core may use of the standard library: no context, clock,
// randomness, file, network, reflection or wire format.
const pureStd = "errors fmt iter maps net/netip regexp regexp/syntax slices strconv strings time unicode unicode/utf8"

// notPure are functions of those packages that read the clock or the world.
const notPure = "time.Now time.Since time.Until time.Sleep time.After time.AfterFunc time.Tick time.NewTimer time.NewTicker time.LoadLocation " +
	"time.Local fmt.Print fmt.Printf fmt.Println fmt.Scan fmt.Scanf fmt.Scanln"

// storeTags are the field tags that the core may carry.
const storeTags = "`json:\",omitempty\"` `json:\",omitzero\"`"
