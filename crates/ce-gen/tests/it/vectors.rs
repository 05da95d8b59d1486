//! What is a CloudEvent and what is not, as `ce-gen check` tells. Members besides the required
//! ones.

/// Each of them makes a valid event.
pub(crate) const VALID: &[&str] = &[
    r#""subject":"all is there""#,
    // Integers have 32 bits.
    r#""ext":2147483647"#,
    r#""ext":-2147483648"#,
    r#""ext":0"#,
    r#""ext":true"#,
    r#""ext":"""#,
    // Null is "not set".
    r#""subject":null,"time":null,"datacontenttype":null,"dataschema":null,"ext":null"#,
    r#""data_base64":null"#,
    r#""data":1,"data_base64":null"#,
    // Names SHOULD be short, and need not.
    r#""abcdefghijklmnopqrst":1"#,
    r#""abcdefghijklmnopqrstu":1"#,
    r#""7":1"#,
    // Times.
    r#""time":"0001-01-01T00:00:00Z""#,
    r#""time":"2018-04-05t17:31:00.000000001z""#,
    r#""time":"1990-12-31T23:59:60Z""#,
    r#""time":"1990-12-31T15:59:60-08:00""#,
    r#""time":"2024-02-29T23:59:59+23:59""#,
    // Any character but controls, noncharacters and unpaired surrogates.
    r#""subject":"\u00a0é€😀\ud83d\ude00\ufffd\u200b""#,
    r#""subject":"a \"b\" \\ \/ c""#,
    r#""\u0073ubject":"escaped name""#,
    // References and URIs.
    r#""dataschema":"urn:example:a""#,
    r#""dataschema":"https://u:p@[2001:db8::1]:8443/a;b=c?d=/e""#,
    // Media types.
    r#""datacontenttype":"text/plain; charset=\"utf 8\"""#,
    r#""datacontenttype":"application/vnd.a.b-c+json;v=1""#,
    // Data.
    r#""data":null"#,
    r#""data":1.5e300"#,
    r#""data":{"a":1,"a":2}"#,
    r#""data":"\ud800 is for the reader of the data to judge""#,
    r#""data":"<a/>","datacontenttype":"text/xml""#,
    r#""data_base64":"""#,
    r#""data_base64":"+/A=","datacontenttype":"image/png""#,
];

/// Each of them spoils the event, and what the finding says.
pub(crate) const INVALID: &[(&str, &str)] = &[
    // Numbers that are no integers of 32 bits.
    (r#""ext":2147483648"#, "`ext` is not a string, a boolean or a 32-bit integer; send"),
    (r#""ext":-2147483649"#, "`ext` is not a string, a boolean or"),
    (r#""ext":1.0"#, "`ext` is not a string, a boolean or"),
    (r#""ext":1e2"#, "`ext` is not a string, a boolean or"),
    (r#""ext":1.5"#, "`ext` is not a string, a boolean or"),
    (r#""ext":[1]"#, "`ext` is not a string, a boolean or"),
    (r#""ext":{"a":1}"#, "`ext` is not a string, a boolean or"),
    (r#""subject":7"#, "`subject` is not a string; put its value in quotes"),
    (r#""time":1522949460"#, "`time` is not a string"),
    (r#""dataschema":true"#, "`dataschema` is not a string"),
    (r#""datacontenttype":{}"#, "`datacontenttype` is not a string"),
    // Nothing that is set may be empty.
    (r#""subject":"""#, "`subject` is empty; give it a value, or leave it out"),
    (r#""time":"""#, "`time` is empty"),
    (r#""dataschema":"""#, "`dataschema` is empty"),
    (r#""datacontenttype":"""#, "`datacontenttype` is empty"),
    // Characters.
    (r#""subject":"a\u0000""#, "`subject` holds a control character"),
    (r#""subject":"a\u001f""#, "`subject` holds a control character"),
    (r#""subject":"a\n""#, "`subject` holds a control character"),
    (r#""subject":"\u007f""#, "`subject` holds a control character"),
    (r#""subject":"\u0080""#, "`subject` holds a control character"),
    (r#""subject":"\u009f""#, "`subject` holds a control character"),
    (r#""ext":"\ufdd0""#, "`ext` holds a control character, a Unicode noncharacter or"),
    (r#""ext":"\ufffe""#, "`ext` holds a control character, a Unicode noncharacter or"),
    (r#""ext":"\ud83f\udfff""#, "`ext` holds a control character, a Unicode noncharacter or"),
    (r#""ext":"\udbff\udfff""#, "`ext` holds a control character, a Unicode noncharacter or"),
    (r#""subject":"\ud800""#, "`subject` holds a control character, a Unicode noncharacter or an"),
    (r#""subject":"\udc00\ud800""#, "`subject` holds a control character"),
    // Names.
    (r#""MyExtension":1"#, "attribute name `MyExtension` is not allowed; use lower-case"),
    (r#""ID":"8""#, "attribute name `ID` is not allowed"),
    (r#""my-ext":1"#, "attribute name `my-ext` is not allowed"),
    (r#""my_ext":1"#, "attribute name `my_ext` is not allowed"),
    (r#""é":1"#, "attribute name `é` is not allowed"),
    (r#""":1"#, "attribute name `` is not allowed"),
    (r#""a\nb":1"#, "attribute name `a\\nb` is not allowed"),
    (r#""\ud800":1"#, "not a CloudEvent in JSON: "),
    // Each attribute once.
    (r#""id":"7""#, "`id` is set more than once; keep one"),
    (r#""ext":1,"ext":1"#, "`ext` is set more than once"),
    (r#""ext":1,"\u0065xt":2"#, "`ext` is set more than once"),
    (r#""subject":null,"subject":"x""#, "`subject` is set more than once"),
    (r#""data":1,"data":1"#, "`data` is set more than once"),
    // Times.
    (r#""time":"2018-04-05T18:31Z""#, "`time` is `2018-04-05T18:31Z`; write it as RFC 3339"),
    (r#""time":"2018-04-05 18:31:00Z""#, "`time` is `2018-04-05 18:31:00Z`"),
    (r#""time":"2023-02-29T00:00:00Z""#, "`time` is `2023-02-29T00:00:00Z`"),
    (r#""time":"2018-04-05T18:31:60Z""#, "`time` is `2018-04-05T18:31:60Z`"),
    (r#""time":"2018-04-05T24:00:00Z""#, "`time` is `2018-04-05T24:00:00Z`"),
    (r#""time":"2018-04-05T18:31:00+24:00""#, "`time` is `2018-04-05T18:31:00+24:00`"),
    (r#""time":"-0001-01-01T00:00:00Z""#, "`time` is `-0001-01-01T00:00:00Z`"),
    // URIs and media types.
    (r#""dataschema":"schema.json""#, "`dataschema` is `schema.json`; write an absolute URI"),
    (r#""dataschema":"https://example.com/a#b""#, "`dataschema` is `https://example.com/a#b`"),
    (r#""dataschema":"http://a:b/""#, "`dataschema` is `http://a:b/`"),
    (r#""dataschema":"http://[::1/""#, "`dataschema` is `http://[::1/`"),
    (r#""dataschema":"http://a/%2""#, "`dataschema` is `http://a/%2`"),
    (r#""datacontenttype":"json""#, "`datacontenttype` is `json`; write a media type"),
    (r#""datacontenttype":"text/plain; a=\"é\"""#, "`datacontenttype` is `text/plain; a=\"é\"`"),
    (r#""datacontenttype":"text/plain; charset""#, "`datacontenttype` is `text/plain; charset`"),
    // Data.
    (r#""data":1,"data_base64":"TWE=""#, "`data` and `data_base64` are both set; keep one"),
    (r#""data":null,"data_base64":"TWE=""#, "`data` and `data_base64` are both set"),
    (r#""data_base64":"TWE""#, "`data_base64` is not base64; use the standard alphabet"),
    (r#""data_base64":"T-_=""#, "`data_base64` is not base64"),
    (r#""data_base64":"TW E=""#, "`data_base64` is not base64"),
    (r#""data_base64":7"#, "`data_base64` is not base64"),
    // JSON.
    (r#""data":01"#, "not a CloudEvent in JSON: invalid number at column"),
    (r#""data":NaN"#, "not a CloudEvent in JSON: expected value at column"),
    (r#""data":{"a":}"#, "not a CloudEvent in JSON: expected value at column"),
    (r#""data":1,"#, "not a CloudEvent in JSON: trailing comma at column"),
];
