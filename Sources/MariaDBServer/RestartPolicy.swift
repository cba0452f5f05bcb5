/// Decides what follows when the server ended by itself.
struct RestartPolicy: Equatable {
    static let firstDelayMs: UInt64 = 200
    static let delayMsMax: UInt64 = 10_000
    /// So long after it was ready an end is a new misfortune, not the next of a row.
    static let healthyAfterMs: UInt64 = 60_000
    /// A server that never worked has something wrong that waiting does not mend.
    static let firstStartsMax = 3

    enum Decision: Equatable {
        case restart(inMs: UInt64)
        case giveUp
    }

    private(set) var wasEverReady = false
    private(set) var failuresInARow = 0

    mutating func becameReady() {
        wasEverReady = true
    }

    /// - Parameter healthyMs: how long it had been ready, 0 when it never was in this run.
    mutating func ended(healthyMs: UInt64) -> Decision {
        failuresInARow = healthyMs >= Self.healthyAfterMs ? 1 : failuresInARow + 1
        if !wasEverReady, failuresInARow >= Self.firstStartsMax { return .giveUp }
        let doublings = min(failuresInARow - 1, 16)
        return .restart(inMs: min(Self.firstDelayMs << UInt64(doublings), Self.delayMsMax))
    }
}
