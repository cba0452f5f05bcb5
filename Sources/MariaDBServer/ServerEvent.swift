/// A server that takes connections.
package struct RunningServer: Sendable, Equatable {
    /// The socket's path.
    package let socket: String
    package let pid: Int32
    /// As in its greeting: `10.11.19-MariaDB-0+deb12u1-log`.
    package let version: String
}

/// An end that nobody asked for.
package struct ServerExit: Sendable, Equatable {
    /// How it ended, in words: `was killed by signal 9`.
    package let words: String
    /// At most 15.
    package let lastLogLines: [String]
    /// Until the next start; nil: there is none.
    package let restartInMs: UInt64?
    /// Ends in a row without a minute of health between them, this one included.
    package let failuresInARow: Int
}

/// What happened to the private server. After `failed` nothing more is tried; after `stop()` the last event is always `stopped`.
package enum ServerEvent: Sendable, Equatable {
    /// First start: its files are being made.
    case creating
    /// A server left behind by an earlier node was found on this directory and is gone now.
    case orphanStopped(pid: Int32)
    case starting(pid: Int32)
    case ready(RunningServer)
    case exited(ServerExit)
    case failed(ServerProblem)
    case stopped
}
