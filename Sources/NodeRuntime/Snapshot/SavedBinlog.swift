import EventLoop
import Glibc

/// The binlog of a database that is about to be replaced, kept for a look: it may hold what only this node had.
enum SavedBinlog {
    /// Each may hold a whole binlog.
    private static let keptMax = 3

    /// Links the binlog's files into a folder `name` of `directory`; the folder's path. The database is down.
    static func keep(of database: String, in directory: String, as name: String) throws(JournalProblem) -> String {
        let folder = "\(directory)/\(name)"
        for path in [directory, folder] where mkdir(path, 0o700) != 0 && errno != EEXIST { throw .system(path, SystemError("mkdir")) }
        for file in try DiskFile.names(in: database) where file.hasPrefix("binlog.") && file.dropFirst(7).allSatisfy(\.isNumber) {
            guard link("\(database)/\(file)", "\(folder)/\(file)") == 0 || errno == EEXIST else { throw .system(file, SystemError("link")) }
        }
        let folders = try DiskFile.names(in: directory).filter { $0.hasPrefix("replaced-") }.sorted()
        for old in folders.dropLast(keptMax).map({ "\(directory)/\($0)" }) {
            for file in try DiskFile.names(in: old) { unlink("\(old)/\(file)") }
            rmdir(old)
        }
        return folder
    }
}
