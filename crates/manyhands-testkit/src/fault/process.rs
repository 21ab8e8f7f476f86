//! What only a program can do. The library has the names; the command does it.

use super::switch::family;

family! {
    /// What only a program can do: it is the command `manyhands-testkit` that does it.
    ProcessFault as "Process" {
        /// Ignores SIGTERM and the end of its input, for a minute.
        IgnoresTermination: "ignores-termination",
        /// Writes this many bytes to stderr before it serves.
        FloodsStderr(usize = 8 * 1024 * 1024_usize): "floods-stderr",
        /// Starts a child of its own, which holds its output open and outlives it by up to a minute.
        LeavesChild: "leaves-child",
        /// Starts such a child in a process group of its own.
        LeavesEscapee: "leaves-escapee",
        /// Exits with this code in place of closing a connection.
        ExitCode(u16 = 3_u16): "exit-code",
    }
}
