package import EventLoop

extension MariaDBConnection {
    /// Connects, logs in and runs the target's setup; `done` is called once, possibly before this returns, and must take the connection.
    @discardableResult
    package static func open(
        _ loop: EventLoop, _ target: DatabaseTarget, done: @escaping @LoopActor (Result<MariaDBConnection, DatabaseError>) -> Void
    ) -> Opening {
        let opening = Opening(loop, target, done)
        opening.start()
        return opening
    }

    /// The same for an owner that may be gone before it is open: then the connection is closed, and `done` is not called.
    @discardableResult
    package static func open<Owner: AnyObject>(
        _ loop: EventLoop, _ target: DatabaseTarget, for owner: Owner,
        done: @escaping @LoopActor (Owner, Result<MariaDBConnection, DatabaseError>) -> Void
    ) -> Opening {
        open(loop, target) { [weak owner] result in
            if let owner { return done(owner, result) }
            if case .success(let connection) = result { connection.close() }
        }
    }
}

/// A connection that is being opened: the server's name is looked up, each of its addresses tried, the login done, the setup run; all within the
/// target's limit of time.
@LoopActor package final class Opening {
    private let loop: EventLoop
    private let target: DatabaseTarget
    /// Nil once it is over.
    private var done: (@LoopActor (Result<MariaDBConnection, DatabaseError>) -> Void)?
    private var timer: TimerID?
    private var login: Login?
    private var connection: MariaDBConnection?

    fileprivate init(_ loop: EventLoop, _ target: DatabaseTarget, _ done: @escaping @LoopActor (Result<MariaDBConnection, DatabaseError>) -> Void) {
        self.loop = loop
        self.target = target
        self.done = done
    }

    fileprivate func start() {
        // Held by its timer and its steps.
        timer = loop.after(milliseconds: target.connectTimeoutMs) { self.tookTooLong() }
        switch target.endpoint {
        case .socket: logIn([target.endpoint])
        case .tcp(let host, let port):
            HostNames.addresses(loop, host: host) { result in
                guard self.done != nil else { return }
                switch result {
                case .success(let addresses): self.logIn(addresses.map { .tcp(host: $0, port: port) }[...])
                case .failure(let error): self.finish(.failure(.unknownHost(error.description)))
                }
            }
        }
    }

    private func logIn(_ endpoints: ArraySlice<DatabaseEndpoint>) {
        guard let endpoint = endpoints.first else { return finish(.failure(.unknownHost("it has no address"))) }
        var target = target
        target.endpoint = endpoint
        login = Login(loop, target) { result in
            self.login = nil
            switch result {
            case .failure(let error):
                // An address that can't be reached is not the server's word.
                if error.number == DatabaseError.cannotConnect, endpoints.count > 1 { return self.logIn(endpoints.dropFirst()) }
                self.finish(.failure(error))
            case .success(let login): self.loggedIn(login)
            }
        }
        guard let login else { return finish(.failure(.outOfMemory)) }
        login.start()
    }

    private func loggedIn(_ login: LoggedIn) {
        do throws(SystemError) {
            let connection = try MariaDBConnection(loop, target, login)
            self.connection = connection
            setUp(connection, target.setup)
        } catch {
            finish(.failure(.notWatched(error.description)))
        }
    }

    /// All of it goes at once; the first that fails counts.
    private func setUp(_ connection: MariaDBConnection, _ statements: [String]) {
        guard let last = statements.indices.last else { return finish(.success(connection)) }
        for (index, statement) in statements.enumerated() {
            connection.query(statement) { result in
                switch result {
                case .failure(let error): self.finish(.failure(error))
                case .success: if index == last { self.finish(.success(connection)) }
                }
            }
        }
    }

    private func tookTooLong() {
        login?.cancel()
        finish(.failure(.connectTimedOut))
    }

    /// Gives up: nothing of it stays open, and `done` is not called.
    package func cancel() {
        guard done != nil else { return }
        done = nil
        loop.cancel(timer)
        login?.cancel()
        login = nil
        connection?.close()
        connection = nil
    }

    private func finish(_ result: Result<MariaDBConnection, DatabaseError>) {
        loop.cancel(timer)
        login = nil
        let (done, connection) = (self.done, self.connection)
        self.done = nil
        self.connection = nil
        if case .failure = result { connection?.close() }
        done?(result)
    }
}
