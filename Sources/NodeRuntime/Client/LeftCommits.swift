import EventLoop
import MariaDBConnector

/// Connections whose commits wait though nobody waits for them: their clients were told, or are gone. Each ends by itself.
@LoopActor final class LeftCommits {
    /// The database has room for so many beyond the pool's; further ones keep their places in the pool.
    private static let besidesMax = 32

    private let pool: ConnectionPool
    private var all: [ObjectIdentifier: MariaDBConnection] = [:]
    /// Those that others have taken the places of.
    private var besides: Set<ObjectIdentifier> = []

    init(_ pool: ConnectionPool) { self.pool = pool }

    func add(_ connection: MariaDBConnection) {
        let id = ObjectIdentifier(connection)
        all[id] = connection
        guard besides.count < Self.besidesMax else { return }
        besides.insert(id)
        pool.letGo(connection)
    }

    /// The statement on a connection is through, whoever's it is.
    func ended(_ connection: MariaDBConnection) {
        let id = ObjectIdentifier(connection)
        guard all.removeValue(forKey: id) != nil else { return }
        if besides.remove(id) != nil { connection.close() } else { pool.discard(connection) }
    }
}
