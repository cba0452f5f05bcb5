import EventLoop
import LineProtocol
import MariaDBConnector
import StatementGate

/// Character sets of a client's text, as the gate has to read it.
enum Charsets {
    static func hideQuotes(_ name: String) -> Bool { !SystemVariable.harmlessCharacterSets.contains(name) }

    static func words(_ name: String) -> String {
        "in the character set \(name) the node can't tell where a text ends, so the session was set back to utf8mb4; use utf8mb4"
    }
}

extension LocalSession {
    /// It was set to what only the server knows. Where the gate could not read the next statements as the server would, the session goes back.
    func checkCharset(
        _ connection: MariaDBConnection, _ statement: LocalStatement, _ stream: ReplyStream, harmless: @escaping @LoopActor () -> Void
    ) {
        connection.query("SELECT @@character_set_client") { [weak self] result in
            guard let self, self.running === connection else { return }
            let name = (try? result.get())?.first ?? ""
            guard Charsets.hideQuotes(name) else { return harmless() }
            connection.query("SET NAMES utf8mb4") { [weak self] result in
                guard let self, self.running === connection else { return }
                if case .failure = result { connection.close() }
                stream.fail(ReplyError(.unknownStatement, Charsets.words(name)))
                self.note(statement.what, connection)
                self.settle(connection)
                statement.done(false)
            }
        }
    }
}
