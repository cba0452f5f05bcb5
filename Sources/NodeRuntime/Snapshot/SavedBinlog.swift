import EventLoop
import Glibc

/// The binlog of a database that is about to be replaced, kept for a look: it may hold what only this node had.
enum SavedBinlog {
    /// Each may hold a whole binlog.
    private static let keptMax = 3

    /// Links the binlog's files into a folder `name` of `directory`; the folder's path. The database is down.
    static func keep(of database: String, in directory: String, as name: String) throws(SystemError) -> String {
        let folder = "\(directory)/\(name)"
        for path in [directory, folder] where mkdir(path, 0o700) != 0 && errno != EEXIST { throw SystemError("mkdir \(path)") }
        for file in try entries(database) where file.hasPrefix("binlog.") && file.dropFirst(7).allSatisfy(\.isNumber) {
            let (from, to) = ("\(database)/\(file)", "\(folder)/\(file)")
            guard link(from, to) == 0 || errno == EEXIST else { throw SystemError("link \(to)") }
        }
        try removeOldest(directory)
        return folder
    }

    private static func entries(_ path: String) throws(SystemError) -> [String] {
        guard let handle = opendir(path) else { throw SystemError("opendir \(path)") }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    private static func removeOldest(_ directory: String) throws(SystemError) {
        let folders = try entries(directory).filter { $0.hasPrefix("replaced-") }.sorted()
        for folder in folders.dropLast(keptMax) {
            for file in try entries("\(directory)/\(folder)") { unlink("\(directory)/\(folder)/\(file)") }
            rmdir("\(directory)/\(folder)")
        }
    }
}
