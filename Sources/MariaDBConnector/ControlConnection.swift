package import EventLoop

/// The node's own connection to its database: small statements, one after another, over a connection that is opened when needed.
@LoopActor package final class ControlConnection {
    private struct Request {
        let sql: String
        let done: @LoopActor (Result<SmallResult, DatabaseError>) -> Void
    }

    private static let requestsMax = 1000
    private static let overloaded = DatabaseError(
        number: 1040, state: "08004", message: Array("too many of the node's own statements wait for its database".utf8))

    private let loop: EventLoop
    private var target: DatabaseTarget?
    private var connection: MariaDBConnection?
    private var requests: [Request] = []
    private var busy = false
    /// Others that follow the database with it, each with its own connection.
    package var besides: [ControlConnection] = []
    private var opening: Opening?

    package init(_ loop: EventLoop) { self.loop = loop }

    /// Follows the database; what waits for the one before fails.
    package func use(_ target: DatabaseTarget?) {
        self.target = target
        opening?.cancel()
        opening = nil
        connection?.close()
        connection = nil
        busy = false
        let waiting = requests
        requests = []
        for request in waiting { request.done(.failure(.closed)) }
        for other in besides { other.use(target) }
    }

    /// Runs `sql` after those asked for before; fails at once while the database is down.
    package func query(_ sql: String, done: @escaping @LoopActor (Result<SmallResult, DatabaseError>) -> Void) {
        guard target != nil else { return done(.failure(.closed)) }
        guard requests.count < Self.requestsMax else { return done(.failure(Self.overloaded)) }
        requests.append(Request(sql: sql, done: done))
        next()
    }

    /// Runs all of them in order, until one fails.
    package func queries(_ statements: [String], done: @escaping @LoopActor (Result<Void, DatabaseError>) -> Void) {
        guard let first = statements.first else { return done(.success(())) }
        query(first) { [self] result in
            switch result {
            case .success: queries(Array(statements.dropFirst()), done: done)
            case .failure(let error): done(.failure(error))
            }
        }
    }

    private func next() {
        guard !busy, let request = requests.first else { return }
        busy = true
        if let connection, connection.isOpen { return run(request, on: connection) }
        guard let target else { return }
        opening = MariaDBConnection.open(loop, target, for: self) { this, result in
            this.opening = nil
            switch result {
            case .success(let connection):
                this.connection = connection
                this.run(request, on: connection)
            case .failure(let error): this.finish(request, .failure(error))
            }
        }
    }

    private func run(_ request: Request, on connection: MariaDBConnection) {
        connection.query(request.sql) { [weak self] in
            guard let self, self.connection === connection else { return }
            self.finish(request, $0)
        }
    }

    private func finish(_ request: Request, _ result: Result<SmallResult, DatabaseError>) {
        guard busy, !requests.isEmpty else { return }
        requests.removeFirst()
        busy = false
        request.done(result)
        next()
    }
}
