import EventLoop

/// An account that a login of its own is to prove, and what that login is to be asked.
struct AccountProof {
    let ticket: PoolTicket
    let account: DatabaseAccount
    /// A statement that leaves nothing behind.
    let question: String?
    let timer: TimerID
    /// Hears why there is no such login, or what the server said against the question; nil where it ran, or none was asked.
    let done: @LoopActor (Result<DatabaseError?, PoolError>) -> Void
}
