import EventLoop
import MariaDBConnector

extension Node {
    /// What every node's database has from its first start on, without a word in the log; then the watch over it knows what it looks like.
    func makeOwnTables(_ done: @escaping @LoopActor (String?) -> Void) {
        control.queries(["SET SESSION sql_log_bin=0"] + OutcomeTable.definitions + [OutcomeTable.grant]) { [self] result in
            control.query("SET SESSION sql_log_bin=1") { [self] after in
                do {
                    _ = try result.get()
                    _ = try after.get()
                } catch {
                    return done("the node's own tables can't be made: \(error)")
                }
                databaseWatch.markAccounts { error in done(error.map { "the node's own accounts can't be read: \($0)" }) }
            }
        }
    }
}
