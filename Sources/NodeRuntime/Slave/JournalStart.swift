import ClusterModel
import EventLoop
import Failover
import Glibc

/// The file `start`: who wrote what comes before a journal that has no file yet.
enum JournalStart {
    private static func path(_ directory: String) -> String { directory + "/start" }

    /// Nil when that was never told.
    static func read(_ directory: String) throws(JournalProblem) -> LogHistory? {
        let path = path(directory)
        let content: TextFile.Content?
        do throws(TextFile.Problem) { content = try TextFile.readChecked(path) } catch {
            guard case .system(let failure) = error else { throw .badStart(file: path, "\(error)") }
            throw .system(path, failure)
        }
        guard let content else { return nil }
        let text =
            switch content {
            case .checked(let text), .unchecked(let text): text
            }
        guard text.last == "\n" else { throw .badStart(file: path, "it ends within its line") }
        let gtids = text.dropLast().split(separator: ",").map { GTID($0) }
        guard !gtids.contains(nil) else { throw .badStart(file: path, "it is no list of GTIDs") }
        return LogHistory(state: gtids.compactMap { $0 })
    }

    /// On disk when this returns. `state`: of each writer the last transaction, oldest first.
    static func write(_ directory: String, _ state: [GTID]) throws(JournalProblem) {
        let path = path(directory)
        do throws(SystemError) {
            try TextFile.replaceChecked(path, with: state.map { "\($0)" }.joined(separator: ",") + "\n")
        } catch {
            throw .system(path, error)
        }
    }

    static func forget(_ directory: String) { unlink(path(directory)) }
}
