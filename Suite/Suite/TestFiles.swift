import CampaignHarness
import Glibc

/// Which of MariaDB's test files are run: those about SQL. Left out are those about replication between servers that the tests start, about files, plugins,
/// programs, and the server's own tables of figures.
enum TestFiles {
    private static let folders =
        ["main"]
        + [
            "compat/oracle", "csv", "engines/funcs", "funcs_1", "funcs_2", "gcol", "handler", "heap", "innodb", "innodb_fts", "innodb_gis",
            "innodb_zip", "json",
            "maria", "optimizer_unfixed_bugs", "parts", "period", "roles", "sql_sequence", "vcol", "versioning",
        ].map { "suite/\($0)/t" }

    /// Paths below `tests`, sorted within each folder.
    static func all(in tests: String, only: [String], atMost: Int?) throws(Failure) -> [String] {
        var paths: [String] = []
        for folder in folders {
            // An older or newer release has other folders.
            guard let handle = opendir("\(tests)/\(folder)") else { continue }
            defer { closedir(handle) }
            var names: [String] = []
            while let entry = readdir(handle) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)) }
                if name.hasSuffix(".test") { names.append("\(folder)/\(name)") }
            }
            paths += names.sorted()
        }
        if !only.isEmpty { paths = paths.filter { path in only.contains { path.contains($0) } } }
        guard let atMost, atMost < paths.count else { return paths }
        return (0..<atMost).map { paths[$0 * paths.count / atMost] }
    }
}
