import Testing

@testable import MariaDBServer

/// What a crash leaves of a snapshot is put in order at the next start.
struct SnapshotRecoveryTests {
    private struct Left: CustomTestStringConvertible {
        let found: [String]
        let after: String
        var testDescription: String { found.joined(separator: ", ") }
    }

    private static let lefts = [
        Left(found: ["mariadb/old", "mariadb.receiving/half", "mariadb.copying/login.cnf"], after: "mariadb/old"),
        Left(found: ["mariadb.before/old", "mariadb.receiving/new"], after: "mariadb/old"),
        Left(found: ["mariadb.before/old", "mariadb/ddbnode.snapshot"], after: "mariadb.before/old mariadb/ddbnode.snapshot"),
        Left(found: ["mariadb.before/old", "mariadb/new"], after: "mariadb/new"),
        Left(found: ["mariadb.receiving/half"], after: ""),
    ]

    @Test(arguments: lefts)
    private func `whatever a crash left, there is one whole database or the old one`(_ left: Left) throws {
        let lab = try Lab()
        for path in left.found {
            let directory = path.prefix { $0 != "/" }
            _ = Lab.shell("mkdir -p '\(lab.directory)/\(directory)' && touch '\(lab.directory)/\(path)'")
        }
        try SnapshotFiles(try ServerPaths(directory: lab.directory)).recover()
        let listing = Lab.shell("cd '\(lab.directory)' && find . -type f | sort | cut -c3-").output
        #expect(listing.split(separator: "\n").joined(separator: " ") == left.after)
    }
}
