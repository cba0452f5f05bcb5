import ClusterModel
import Failover

/// Short words for the tests of this folder.
func node(_ number: UInt32) -> NodeID { NodeID(rawValue: number) ?? .unnamed }
func epoch(_ number: UInt64) -> Epoch { Epoch(rawValue: number) }

/// The GTID that node `writer` gives in `inEpoch`.
func gtid(_ inEpoch: UInt64, _ writer: UInt32, _ sequence: UInt64) -> GTID {
    GTID(domain: 0, server: UInt32(inEpoch - 1) << 8 | writer, sequence: sequence)
}

func at(_ inEpoch: UInt64, _ writer: UInt32, _ sequence: UInt64) -> Position { Position(gtid(inEpoch, writer, sequence)) }

func member(_ number: UInt32, _ kind: Member.Kind = .voter) -> Member {
    Member(id: node(number), uuid: "u\(number)", address: NodeAddress(host: "n\(number)", port: 5000), kind: kind)
}

func configuration(_ numbers: [UInt32], _ inEpoch: UInt64 = 1, _ version: UInt64 = 1) -> Configuration {
    Configuration(stamp: ConfigurationStamp(epoch: epoch(inEpoch), version: version), members: numbers.map { member($0) })
}
