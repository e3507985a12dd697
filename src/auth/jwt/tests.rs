use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::SignedDuration;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://idp.example.com";
const AUDIENCE: &str = "https://mcp.example.com";

enum Signer {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn p256() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap())
    }

    fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    fn jwk(&self, id: &str) -> Value {
        match self {
            Self::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": id, "x": BASE64.encode(x), "y": BASE64.encode(y)})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": BASE64.encode(key.public_key().as_ref())})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            BASE64.encode(header.to_string()),
            BASE64.encode(claims.to_string())
        );
        let signature = match self {
            Self::P256(key) => key
                .sign(&SystemRandom::new(), signed.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            Self::Ed25519(key) => key.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

fn now() -> Timestamp {
    "2026-09-01T12:00:00Z".parse().unwrap()
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "exp": now().as_second() + 300, "groups": ["sre", "all"]})
}

fn keys(of: &[Value]) -> Keys {
    Keys::read(json!({ "keys": of }).to_string().as_bytes()).unwrap()
}

fn check_as(text: &str, keys: &Keys, used_as: Use) -> Result<Claims, Refusal> {
    let expected = Expected {
        issuer: ISSUER,
        audience: AUDIENCE,
        used_as,
    };
    verify(&Token::read(text)?, keys, &expected, now())
}

fn check(text: &str, keys: &Keys) -> Result<Claims, Refusal> {
    check_as(text, keys, Use::Access)
}

#[test]
fn a_signed_token_says_who_and_until_when() {
    for (signer, alg) in [(Signer::p256(), "ES256"), (Signer::ed25519(), "EdDSA")] {
        let keys = keys(&[signer.jwk("a")]);
        let text = signer.sign(&json!({"alg": alg, "kid": "a", "typ": "at+jwt"}), &claims());
        let checked = check(&text, &keys).unwrap();
        assert_eq!(checked.user("sub"), Ok("bob"));
        assert_eq!(checked.until, now() + SignedDuration::from_secs(300));
        let groups: Vec<String> = checked
            .groups("groups", "corp:")
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(groups, ["corp:all", "corp:sre"]);
        // Without a key's name, all that fit are tried.
        assert!(check(&signer.sign(&json!({"alg": alg}), &claims()), &keys).is_ok());
    }
}

#[test]
fn a_token_is_believed_for_no_byte_more_than_is_signed() {
    let (signer, other) = (Signer::p256(), Signer::p256());
    let keys = keys(&[signer.jwk("a")]);
    let header = json!({"alg": "ES256", "kid": "a"});
    let text = signer.sign(&header, &claims());
    let [_, _, signature] = text.split('.').collect::<Vec<_>>()[..] else {
        panic!()
    };
    let mut of_other = claims();
    of_other["sub"] = json!("root");
    let swapped = format!(
        "{}.{}.{signature}",
        BASE64.encode(header.to_string()),
        BASE64.encode(of_other.to_string())
    );
    assert_eq!(check(&swapped, &keys).unwrap_err(), Refusal::Signature);
    assert_eq!(
        check(&other.sign(&header, &claims()), &keys).unwrap_err(),
        Refusal::Signature
    );
    let unknown = other.sign(&json!({"alg": "ES256", "kid": "b"}), &claims());
    assert_eq!(check(&unknown, &keys).unwrap_err(), Refusal::UnknownKey);
    for bad in [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "..",
        &text.replace('.', ". "),
        &format!("{text}="),
    ] {
        assert!(matches!(check(bad, &keys), Err(Refusal::Malformed(_))), "{bad}");
    }
    assert!(matches!(check(&"a".repeat(20_000), &keys), Err(Refusal::Malformed(_))));
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens_choice() {
    let signer = Signer::p256();
    let keys = keys(&[signer.jwk("a")]);
    for alg in ["none", "None", "HS256", "RS256", "ES384", "EdDSA", ""] {
        let text = signer.sign(&json!({"alg": alg, "kid": "a"}), &claims());
        assert!(check(&text, &keys).is_err(), "{alg}");
        let unsigned = format!("{}.", text.rsplit_once('.').unwrap().0);
        assert!(check(&unsigned, &keys).is_err(), "{alg}");
    }
    // A key that says what it is for is for nothing else.
    let mut jwk = signer.jwk("a");
    jwk["alg"] = json!("ES384");
    let text = signer.sign(&json!({"alg": "ES256", "kid": "a"}), &claims());
    assert_eq!(check(&text, &self::keys(&[jwk])).unwrap_err(), Refusal::UnknownKey);
    let mut jwk = signer.jwk("a");
    jwk["use"] = json!("enc");
    assert!(Keys::read(json!({"keys": [jwk]}).to_string().as_bytes()).is_err());
    let critical = signer.sign(
        &json!({"alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false}),
        &claims(),
    );
    assert!(matches!(check(&critical, &keys), Err(Refusal::Malformed(_))));
}

#[test]
fn what_is_not_for_us_or_not_of_now_does_not_count() {
    let signer = Signer::p256();
    let keys = keys(&[signer.jwk("a")]);
    let header = json!({"alg": "ES256", "kid": "a"});
    let with = |key: &str, value: Value| {
        let mut claims = claims();
        claims[key] = value;
        check(&signer.sign(&header, &claims), &keys)
    };
    let at = |seconds: i64| json!(now().as_second() + seconds);
    for (key, value) in [
        ("iss", json!("https://idp.example.com/")),
        ("iss", Value::Null),
        ("aud", json!("https://mcp.example.com/")),
        ("aud", json!(["other"])),
        ("aud", Value::Null),
        ("exp", at(-61)),
        ("exp", json!("tomorrow")),
        ("exp", json!(1e300)),
        ("exp", json!(i64::MIN)),
        ("nbf", at(61)),
        ("nbf", json!([])),
    ] {
        assert!(with(key, value.clone()).is_err(), "{key} {value}");
    }
    for (key, value) in [
        ("aud", json!(["other", AUDIENCE])),
        ("exp", at(-59)),
        ("exp", json!(253_402_207_200_i64)),
        ("nbf", at(59)),
    ] {
        assert!(with(key, value.clone()).is_ok(), "{key} {value}");
    }
    let mut without = claims();
    without.as_object_mut().unwrap().remove("exp");
    assert!(check(&signer.sign(&header, &without), &keys).is_err());
}

#[test]
fn a_token_made_for_one_thing_is_none_for_another() {
    let signer = Signer::p256();
    let keys = keys(&[signer.jwk("a")]);
    let of = |typ: &str| signer.sign(&json!({"alg": "ES256", "kid": "a", "typ": typ}), &claims());
    for (typ, access, id) in [
        ("JWT", true, true),
        ("jwt", true, true),
        ("at+jwt", true, false),
        ("application/at+jwt", true, false),
        ("logout+jwt", false, false),
        ("dpop+jwt", false, false),
    ] {
        assert_eq!(check_as(&of(typ), &keys, Use::Access).is_ok(), access, "{typ}");
        assert_eq!(check_as(&of(typ), &keys, Use::Id).is_ok(), id, "{typ}");
    }
}

#[test]
fn groups_are_all_there_or_the_token_does_not_count() {
    let signer = Signer::p256();
    let keys = keys(&[signer.jwk("a")]);
    let with = |groups: Value| {
        let mut all = claims();
        all["groups"] = groups;
        let text = signer.sign(&json!({"alg": "ES256", "kid": "a"}), &all);
        check(&text, &keys)
            .unwrap()
            .groups("groups", "")
            .map(|groups| groups.len())
    };
    assert_eq!(with(json!(["a", "b", "a"])), Ok(2));
    assert_eq!(with(json!("one")), Ok(1));
    assert_eq!(with(Value::Null), Ok(0));
    for wrong in [
        json!([1]),
        json!({"a": 1}),
        json!(["a\nb"]),
        json!([""]),
        json!(vec!["x"; 1_001]),
    ] {
        assert!(with(wrong.clone()).is_err(), "{wrong}");
    }
    let mut elsewhere = claims();
    elsewhere.as_object_mut().unwrap().remove("groups");
    elsewhere["_claim_names"] = json!({"groups": "src1"});
    let text = signer.sign(&json!({"alg": "ES256", "kid": "a"}), &elsewhere);
    assert!(check(&text, &keys).unwrap().groups("groups", "").is_err());
}

#[test]
fn a_set_of_keys_is_read_as_far_as_it_can_be_used() {
    let signer = Signer::p256();
    let odd = json!({"kty": "oct", "k": "AAAA"});
    let short = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    assert_eq!(keys(&[odd.clone(), json!(7), short, signer.jwk("a")]).len(), 1);
    for none in [json!({"keys": [odd]}), json!({"keys": []}), json!({}), json!([])] {
        assert!(Keys::read(none.to_string().as_bytes()).is_err(), "{none}");
    }
    let many: Vec<Value> = (0..100).map(|_| signer.jwk("a")).collect();
    assert_eq!(keys(&many).len(), 64);
}
