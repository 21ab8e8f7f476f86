//! JSON in the one form that RFC 8785 gives it, so that equal values have equal bytes and one hash. It knows no tool.

use serde_json::{Number, Value};

/// Writes a value in its canonical form. Integers beyond 2^53 are written as the nearest double, as the RFC has it.
pub(super) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Number(number) => out.push_str(&of_number(number)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (key, field)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                write(out, field);
            }
            out.push('}');
        }
        // serde_json escapes exactly what the RFC escapes, in the same way.
        plain => out.push_str(&plain.to_string()),
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn of_number(number: &Number) -> String {
    const EXACT: u64 = 1 << 53;
    match number.as_i64() {
        Some(whole) if whole.unsigned_abs() <= EXACT => whole.to_string(),
        // Without arbitrary precision, every number is an integer or a double.
        _ => of_double(number.as_f64().unwrap_or_default()),
    }
}

/// A finite double as ECMAScript writes it: the shortest digits that mean it, and an exponent beyond 21 digits or 6 zeros.
fn of_double(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    let sign = if double < 0.0 { "-" } else { "" };
    let shortest = shortest(double.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.replace('.', "");
    // Where the decimal point is, counted from before the first digit.
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let zeros = |count: usize| "0".repeat(count);
    let whole = usize::try_from(point).unwrap_or_default();
    let text = match point {
        1..=21 if whole >= digits.len() => format!("{digits}{}", zeros(whole - digits.len())),
        1..=21 => {
            let (before, after) = digits.split_at(whole);
            format!("{before}.{after}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(point.unsigned_abs() as usize)),
        _ => format!("{mantissa}e{:+}", point - 1),
    };
    format!("{sign}{text}")
}

/// The fewest digits that mean this number, as `d.dde-1`. Where two of that length come equally near, ECMAScript wants the
/// even one, and the standard library gives the greater one.
fn shortest(double: f64) -> String {
    let shortest = format!("{double:e}");
    let after_first = shortest.find('e').unwrap_or_default().saturating_sub(2);
    let rounded = format!("{double:.after_first$e}");
    match rounded.parse() {
        Ok(read) if f64::to_bits(read) == double.to_bits() => rounded,
        _ => shortest,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The samples of appendix B of RFC 8785 that are numbers.
    const DOUBLES: [(u64, &str); 24] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];

    #[test]
    fn numbers_are_written_as_in_the_rfc() {
        for (bits, text) in DOUBLES {
            assert_eq!(of_double(f64::from_bits(bits)), text, "{bits:x}");
        }
        let whole = json!([
            1,
            -1,
            9_007_199_254_740_993_u64,
            u64::MAX,
            4.5,
            2e-3,
            333_333_333.333_333_3
        ]);
        assert_eq!(
            canonical(&whole),
            "[1,-1,9007199254740992,18446744073709552000,4.5,0.002,333333333.3333333]"
        );
    }

    #[test]
    fn keys_are_sorted_by_their_utf_16_units() {
        // The sample of section 3.2.3.
        let keys = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
        });
        let texts = [
            "\"\\r\":",
            "\"1\":",
            "\"\u{80}\":",
            "\"\u{f6}\":",
            "\"\u{20ac}\":",
            "\"\u{1f600}\":",
            "\"\u{fb33}\":",
        ];
        let written = canonical(&keys);
        let places: Vec<usize> = texts.iter().map(|it| written.find(it).unwrap()).collect();
        assert!(places.is_sorted(), "{written}");
    }

    #[test]
    fn texts_are_escaped_as_in_the_rfc() {
        // The sample of section 3.2.2.
        let sample = r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let sample: Value = serde_json::from_str(sample).unwrap();
        assert_eq!(
            canonical(&sample),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }
}
