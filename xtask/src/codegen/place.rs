//! Where generated text stands: it is a file, or it is between two marker lines of a file that people write. It must
//! not know what is generated.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    WholeFile,
    BetweenMarkers,
}
