//! What `--help` says after the flags.

/// After the flags of `ce-gen`.
pub(crate) const EXAMPLES: &str = r#"Events:
  build   type      network.notifi.lambda.build.start
          source    network.notifi.parsers.<third_party_id>.<parser_id>
          data      third_party_id, parser_id; a pair of the pool
  parser  type      network.notifi.lambda.parser.start
          source    network.notifi.load-test
          subject   parser-load-test
          data      contextId, parameters: blockId, blockchainType, urlForBlob, logIndices
  delete  type      --delete-type
          source    as build
          data      as build

Templates:
  A file holds one event, or several with weights:
    {"templates": [{"weight": 3, "event": {…}}, {"event": {…}}]}
  String values may hold placeholders:
    ${seq}               number of the event, 12 digits
    ${uuid}              random UUID
    ${run}               --run
    ${time}              now, or what --time says
    ${int 1..100}        whole number; both ends are possible
    ${hex 16}            so many hexadecimal digits
    ${choice a=3|b}      one of these texts, with weights
    ${pick FILE COLUMN}  column of a random row of CSV or NDJSON; FILE is looked up beside the
                         template, and all picks from one file in one event are of one row
    ${pad 4KiB}          x, up to this size of the whole line; once
  "${=int 1..100}", alone in its string, is written without quotes, as a number; so are seq, and
  choice and pick if all their values are numbers, true, false or null. $${ stands for ${ itself.
  specversion and id are added where they are missing.

Repeatable:
  Event number k depends on the seed, the run and k alone: `--count 10` writes the first ten lines
  of `--count 20`, and two runs are equal unless their flags differ. --seed changes everything;
  --run changes what is there to tell runs apart (id, contextId; ${uuid}, ${hex}, ${run}) and
  nothing else. Only `--time now` and ${time} look at the clock.

Examples:
  # Look at what comes out
  ce-gen --count 3 | jq .
  ce-gen --kind build,parser,delete --describe

  # Build events at a steady rate, for five minutes
  ce-gen --run nightly-7 | ce-blast --to amqp://127.0.0.1:5672 --rate 100/s --duration 5m

  # One build to three parser events of 4 KiB each, with readable ids
  ce-gen --kind build --kind parser=3 --size 4KiB --id seq --count 10000 > events.ndjson

  # About our own parsers, numbered to find gaps and reordering
  ce-gen --pool parsers.csv --sequence --count 1000

  # Every attribute set
  ce-gen --kind parser --count 5 --source /tests/7 --subject smoke --time now \
      --dataschema https://example.com/parser.json \
      --extension tenant=blue --extension sampledrate=10

  # An event of our own
  echo '{"type":"com.example.order","source":"/shop","data":{"total":"${=int 1..500}"}}' |
      ce-gen --template - --count 1000

  # Shared out over two processes
  ce-gen --count 1000 --shard 0/2 > even.ndjson
  ce-gen --count 1000 --shard 1/2 > odd.ndjson

  # Is it valid?
  ce-gen check events.ndjson

Exit codes:
  0  done, or the reader of stdout had enough
  2  could not do it: a wrong flag, a bad pool or template, a full disk"#;

/// After the flags of `ce-gen check`.
pub(crate) const CHECK: &str = r"Checked:
  Syntax, required attributes, each attribute once, names, types (32-bit integers), characters,
  RFC 3339 times, URIs, media types, base64, and either data or data_base64. SHOULDs are not
  errors. An event above 64 KiB is a warning. Blank lines are skipped.
  In a batch each event counts for itself, and is told by its index, from 0; an empty batch is
  valid. What is laid out over several lines has a limit of 16 MiB, and so has a line.

Examples:
  ce-gen check events.ndjson
  ce-gen check batch.json
  ce-gen --kind parser --describe | ce-gen check
  ce-gen --template order.json --count 1000 | ce-gen check --strict
  ce-gen check recorded.ndjson | cut -d : -f 3- | sort | uniq -c

Exit codes:
  0  all events are valid, or the reader of stdout had enough
  1  some are not
  2  could not read
  3  there are no events";
