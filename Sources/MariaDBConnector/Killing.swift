import EventLoop

/// Ends what connections run that nobody waits for any more, from one connection of its own: however many clients vanish at once, the database
/// has one connection more.
@LoopActor final class Killing {
    private static let waitingMax = 10_000
    private static let retryMs = 500
    private static let attemptsMax = 20

    private let loop: EventLoop
    private var target: DatabaseTarget?
    /// The server's numbers of the connections.
    private var waiting: [UInt] = []
    private var opening: Opening?
    private var connection: MariaDBConnection?
    private var attempts = 0
    private var retry: TimerID?

    init(_ loop: EventLoop) { self.loop = loop }

    /// Follows the database: in another one the numbers mean others.
    func use(_ target: DatabaseTarget?) {
        self.target = target
        waiting = []
        attempts = 0
        loop.cancel(retry)
        retry = nil
        opening?.cancel()
        opening = nil
        connection?.close()
        connection = nil
    }

    func kill(_ connectionID: UInt) {
        guard target != nil, waiting.count < Self.waitingMax else { return }
        waiting.append(connectionID)
        begin()
    }

    private func begin() {
        guard let target, opening == nil, connection == nil, retry == nil else { return }
        // Set before it calls back, which may be at once.
        var isOver = false
        let opening = MariaDBConnection.open(loop, target, for: self) { this, result in
            isOver = true
            this.opened(result)
        }
        if !isOver { self.opening = opening }
    }

    private func opened(_ result: Result<MariaDBConnection, DatabaseError>) {
        opening = nil
        switch result {
        case .success(let connection):
            attempts = 0
            self.connection = connection
            next(on: connection)
        case .failure:
            attempts += 1
            // The statements end at their own limit of time then.
            guard attempts < Self.attemptsMax else { return use(target) }
            retry = loop.after(milliseconds: Self.retryMs) { [weak self] in
                self?.retry = nil
                self?.begin()
            }
        }
    }

    private func next(on connection: MariaDBConnection) {
        guard !waiting.isEmpty else {
            self.connection = nil
            return connection.close()
        }
        connection.query("KILL \(waiting.removeFirst())") { [weak self, unowned connection] _ in
            guard let self, self.connection === connection else { return }
            if connection.isOpen { return self.next(on: connection) }
            self.connection = nil
            if !self.waiting.isEmpty { self.begin() }
        }
    }
}
