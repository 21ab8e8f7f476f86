//! What a run may still cost, and the filters that are paid from it. It must not know where they are put.

use std::cell::Cell;

use jaq_core::box_iter::box_once;
use jaq_core::data::HasLut;
use jaq_core::native::{self, Fun};
use jaq_core::{Ctx, DataT, Error, Exn, Lut, Native, ValR};
use jaq_json::Val;

pub(crate) const EXHAUSTED: &str = "it takes too many steps";
/// Hands its input on, and pays for it.
pub(crate) const STEP: &str = "!step";
/// Hands its input on where the stack has room, which is looked at wherever a program may call itself.
pub(crate) const ENTER: &str = "!enter";
/// Multiplies, and pays for what a text becomes that is repeated.
pub(crate) const MULTIPLY: &str = "!multiply";
/// How much of its stack a run may take for definitions that call each other; what these do needs the rest.
const DEEPEST: usize = 32 * 1024 * 1024;
const TOO_DEEP: &str = "its definitions call each other too deeply";
/// How many bytes of text cost one.
const BYTES: usize = 256;

/// How often a text may be repeated.
const MAX_TIMES: f64 = 1_000.0;

/// Programs over JSON whose steps are counted.
pub(crate) struct Metered;

impl DataT for Metered {
    type V<'a> = Val;
    type Data<'a> = Meter<'a>;
}

/// What a run knows.
#[derive(Clone)]
pub(crate) struct Meter<'a> {
    lut: &'a Lut<Metered>,
    left: &'a Cell<u64>,
    /// Where the stack was when the run began.
    bottom: usize,
}

impl<'a> HasLut<'a, Metered> for Meter<'a> {
    fn lut(&self) -> &'a Lut<Metered> {
        self.lut
    }
}

impl<'a> Meter<'a> {
    pub(crate) fn new(lut: &'a Lut<Metered>, left: &'a Cell<u64>) -> Self {
        Self {
            lut,
            left,
            bottom: stack(),
        }
    }

    fn enter(&self) -> Result<(), Error<Val>> {
        self.pay(1)?;
        if self.bottom.abs_diff(stack()) > DEEPEST {
            return Err(Error::str(TOO_DEEP));
        }
        Ok(())
    }

    /// Takes from what is left, which stays at nothing once it was not enough.
    fn pay(&self, cost: u64) -> Result<(), Error<Val>> {
        let left = self.left.get().saturating_sub(cost);
        self.left.set(left);
        if left == 0 {
            Err(Error::str(EXHAUSTED))
        } else {
            Ok(())
        }
    }

    /// Pays for all that is in a value, however often it is in there.
    fn pay_for(&self, value: &Val) -> Result<(), Error<Val>> {
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            self.pay(1)?;
            match value {
                Val::BStr(text) | Val::TStr(text) => self.pay(cost_of(text.len()))?,
                Val::Arr(items) => {
                    self.pay(cost_of(items.len()))?;
                    waiting.extend(items.iter());
                }
                Val::Obj(fields) => {
                    waiting.extend(fields.iter().flat_map(|(key, value)| [key, value]));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The filters above, for those who compile a program.
pub(crate) fn filters() -> [Fun<Metered>; 3] {
    let step = Native::new(|(context, value)| box_once(step(&context, &value).map(|()| value)))
        .with_paths(|(context, (value, path))| {
            box_once(step(&context, &value).map(|()| (value, path)))
        })
        .with_update(|(context, value), update| match step(&context, &value) {
            Ok(()) => update(value),
            Err(error) => box_once(Err(error)),
        });
    let enter = Native::new(|(context, value)| box_once(enter(&context).map(|()| value)))
        .with_paths(|(context, (value, path))| box_once(enter(&context).map(|()| (value, path))))
        .with_update(|(context, value), update| match enter(&context) {
            Ok(()) => update(value),
            Err(error) => box_once(Err(error)),
        });
    let multiply = Native::new(|(mut context, _)| {
        let right = context.pop_var();
        let left = context.pop_var();
        native::bome(multiply(&context, left, right))
    });
    [
        (STEP, native::v(0), step),
        (ENTER, native::v(0), enter),
        (MULTIPLY, native::v(2), multiply),
    ]
}

fn step<'a>(context: &Ctx<'a, Metered>, value: &Val) -> Result<(), Exn<'a, Val>> {
    context.data().pay_for(value).map_err(Exn::from)
}

fn enter<'a>(context: &Ctx<'a, Metered>) -> Result<(), Exn<'a, Val>> {
    context.data().enter().map_err(Exn::from)
}

fn multiply(context: &Ctx<'_, Metered>, left: Val, right: Val) -> ValR<Val> {
    let (text, times) = match (&left, &right) {
        (Val::BStr(text) | Val::TStr(text), Val::Num(times))
        | (Val::Num(times), Val::BStr(text) | Val::TStr(text)) => (text, times),
        _ => return left * right,
    };
    // What is no number of times at all is told by the multiplication itself.
    let times: f64 = times.to_string().parse().unwrap_or(f64::INFINITY);
    if times > MAX_TIMES {
        return Err(Error::str(format_args!(
            "a text is to be repeated more than {MAX_TIMES} times"
        )));
    }
    // So few that nothing is lost by it.
    let times = (1..).take_while(|n| f64::from(*n) <= times).count();
    context
        .data()
        .pay(cost_of(text.len().saturating_mul(times)))?;
    left * right
}

/// About where the stack is: the address of what lies on it.
#[inline(never)]
fn stack() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

fn cost_of(length: usize) -> u64 {
    u64::try_from(length / BYTES).unwrap_or(u64::MAX)
}
