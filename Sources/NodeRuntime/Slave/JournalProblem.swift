import BinlogFormat
import ClusterModel
import EventLoop
import Glibc

/// What can be wrong with a journal's files, or with the binlog that is to become one.
enum JournalProblem: Error, Sendable, CustomStringConvertible {
    case system(String, SystemError)
    case damaged(file: String, JournalFault)
    case notContiguous
    /// The file that says where an empty journal begins holds something else.
    case badStart(file: String, String)
    /// It can't be cut behind what it does not hold.
    case notHeld(Position, after: Position, last: Position)
    /// The database's directory holds no list of binlog files, or an empty one.
    case noBinlog(directory: String)
    /// Recovery begins at a file that the list does not name.
    case checkpointMissing(file: String, named: String)
    case noStateAtHead(file: String)
    case unread(JournalReadProblem)
    case notInBinlog(directory: String, Position)
    case otherDomain(file: String, GTID)
    case goesBackwards(file: String, GTID, after: Position)

    var description: String {
        switch self {
        case .system(let file, let error) where error.code == ENOSPC || error.code == EDQUOT:
            "the disk is full: \(file) could not be written (\(error)); free space on it, the node goes on by itself"
        case .system(let file, let error): "\(file): \(error)"
        case .damaged(let file, let fault): "\(file) is damaged \(fault)"
        case .notContiguous: "the journal's files do not follow on one another"
        case .badStart(let file, let why):
            "\(file) is damaged: \(why)"
        case .notHeld(let position, let after, let last):
            "the journal can't be cut behind \(position): it holds what comes after \(after) up to \(last), and not that"
        case .noBinlog(let directory): "\(directory) holds no binlog: binlog.index is missing or empty"
        case .checkpointMissing(let file, let named): "\(file) says that recovery begins at \(named), which binlog.index does not name"
        case .notInBinlog(let directory, let position): "the binlog in \(directory) does not hold what it should up to \(position)"
        case .unread(let problem): problem.description
        case .noStateAtHead(let file): "\(file) does not tell at its head what came before it"
        case .otherDomain(let file, let gtid):
            "transaction \(gtid) in \(file) is not of domain 0: a master's database must keep gtid_domain_id=0"
        case .goesBackwards(let file, let gtid, let after): "transaction \(gtid) in \(file) came after \(after): the binlog goes backwards"
        }
    }
}
