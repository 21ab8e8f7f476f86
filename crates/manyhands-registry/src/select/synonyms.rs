//! Words that mean the same to whoever asks for a tool. General English and general computing, of no product and of no
//! test set. It must not know what a synonym counts for.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::terms;

/// Each line is one meaning; a word may stand in several.
const MEANINGS: &str = "
fetch retrieve obtain download
read open view load
create add generate new make
write save store
delete remove drop erase
search find lookup query locate
update edit modify change alter
send post
list show display enumerate
start begin launch
stop end finish kill terminate cancel
run execute
convert transform
calculate compute
draw paint
translate translation
compare diff
schedule plan
buy purchase order
book reserve reservation
image picture photo
picture screenshot
video movie film
audio sound music
mail email
message chat
folder directory
document doc
document file
spreadsheet excel xlsx workbook sheet
presentation powerpoint ppt pptx slide deck
picture diagram chart graph plot
database db
table sheet
repository repo
merge pull
ticket issue bug
task todo
calendar event meeting appointment
contact person people
user account
customer client
invoice bill
payment charge
article publication paper
news headline
website webpage page web site
link url
command shell terminal
container docker
machine vm server
log logs trace
error failure exception
money currency
stock share ticker
cryptocurrency crypto coin
weather forecast
trip travel journey
route direction
place location address
map geography
hotel lodging accommodation
restaurant food
recipe cook dish meal
game play
number figure
random chance
time date
today tomorrow yesterday date
summary summarize summarise abstract
";

static SYNONYMS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for meaning in MEANINGS.lines() {
        let words = terms(meaning, usize::MAX);
        for word in &words {
            let others = all.entry(word.clone()).or_default();
            others.extend(words.iter().filter(|it| *it != word).cloned());
        }
    }
    for others in all.values_mut() {
        others.sort_unstable();
        others.dedup();
    }
    all
});

/// The terms that mean what `term` means, sorted.
pub(crate) fn of(term: &str) -> &'static [String] {
    SYNONYMS.get(term).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_go_both_ways_and_never_to_the_word_itself() {
        assert!(of("mail").contains(&"email".to_owned()));
        assert!(of("email").contains(&"mail".to_owned()));
        assert_eq!(of("zebra"), &[] as &[String]);
        for (word, others) in SYNONYMS.iter() {
            assert!(!others.contains(word), "{word}");
            assert!(others.iter().all(|it| of(it).contains(word)), "{word}");
        }
    }
}
