import EventLoop
import MariaDBConnector
import MariaDBServer
import Verification

/// What a database's definitions are known by, all together: another one where any of them was made, changed or dropped.
struct DefinitionsMark: Equatable {
    private static let sql = """
        SET STATEMENT group_concat_max_len=268435456 FOR SELECT MD5(GROUP_CONCAT(line ORDER BY line SEPARATOR '\\n')) AS mark FROM (\
        SELECT CONCAT_WS('/', 'database', schema_name) AS line FROM information_schema.schemata \
        UNION ALL SELECT CONCAT_WS('/', table_schema, table_name, create_time) FROM information_schema.tables WHERE table_schema NOT IN \(DefinitionSQL.systems) \
        UNION ALL SELECT CONCAT_WS('/', table_schema, table_name, MD5(view_definition)) FROM information_schema.views \
        UNION ALL SELECT CONCAT_WS('/', routine_schema, routine_name, routine_type, last_altered) FROM information_schema.routines \
        UNION ALL SELECT CONCAT_WS('/', trigger_schema, trigger_name, created) FROM information_schema.triggers \
        UNION ALL SELECT CONCAT_WS('/', event_schema, event_name, last_altered) FROM information_schema.events) AS everything
        """

    private let text: String

    @LoopActor static func find(_ control: ControlConnection, _ done: @escaping @LoopActor (Result<DefinitionsMark, DatabaseError>) -> Void) {
        control.query(sql) { result in done(result.map { DefinitionsMark(text: $0["mark"] ?? "") }) }
    }
}

extension ServerLogin {
    init(_ target: DatabaseTarget) {
        let address: Address =
            switch target.endpoint {
            case .socket(let path): .socket(path)
            case .tcp(let host, let port): .tcp(host: host, port: port)
            }
        self.init(address, user: target.account.user, password: target.account.password)
    }
}
