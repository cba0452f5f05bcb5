/// Functions of the server that have no effect and take no time of their own, and words that a parenthesis follows where nothing is called.
enum PureFunction {
    static func isNamed(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count <= lengthMax else { return false }
        return names.contains(String(decoding: name.lazy.map(lowercased), as: UTF8.self))
    }

    static func isNamed(_ name: String) -> Bool { names.contains(name) }

    private static let lengthMax = names.map(\.utf8.count).max() ?? 0

    private static let names: Set<String> = Set(
        (grammar + aggregates + numbers + texts + times + choices + documents + noted).split(separator: " ").map(String.init))

    private static let grammar = """
        all and any as between by case distinct else except exists from group having in index intersect interval join key like limit match not on or order \
        over partition range rows select some then union using values when where with xor unique primary force use ignore decimal double float varchar
        """
    private static let aggregates =
        " avg bit_and bit_or bit_xor count group_concat json_arrayagg json_objectagg max min std stddev stddev_pop stddev_samp sum var_pop var_samp"
        + " variance cume_dist dense_rank first_value lag last_value lead median nth_value ntile percent_rank percentile_cont percentile_disc rank"
        + " row_number"
    private static let numbers =
        " abs acos asin atan atan2 bit_count ceil ceiling conv cos cot crc32 degrees div exp floor format ln log log10 log2 mod oct pi pow power"
        + " radians rand round sign sin sqrt tan truncate"
    private static let texts =
        " ascii bin bit_length char char_length character_length concat concat_ws convert elt export_set field find_in_set from_base64 hex insert instr"
        + " lcase left length locate lower lpad ltrim make_set md5 mid octet_length ord position quote regexp_instr regexp_replace regexp_substr repeat replace reverse right rpad rtrim sha sha1"
        + " sha2 soundex space strcmp substr substring substring_index to_base64 trim ucase unhex upper"
    private static let times =
        " adddate addtime convert_tz curdate current_date current_time current_timestamp curtime date date_add date_format date_sub datediff day dayname"
        + " dayofmonth dayofweek dayofyear extract from_days from_unixtime get_format hour last_day localtime localtimestamp makedate maketime"
        + " microsecond minute month monthname now period_add period_diff quarter sec_to_time second str_to_date subdate subtime sysdate time"
        + " time_format time_to_sec timediff timestamp timestampadd timestampdiff to_days to_seconds unix_timestamp utc_date utc_time utc_timestamp week"
        + " weekday weekofyear year yearweek"
    private static let choices =
        " binary cast coalesce database greatest if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa isnull least nullif nvl nvl2 schema user"
        + " current_user session_user system_user uuid version"
    /// What these do is a fact of its own.
    private static let noted =
        " nextval setval lastval get_lock release_lock release_all_locks load_file found_rows row_count last_insert_id"
    private static let documents =
        " json_array json_array_append json_compact json_contains json_contains_path json_depth json_detailed json_exists json_extract json_insert"
        + " json_keys json_length json_merge_patch json_object json_query json_quote json_remove json_replace json_search json_set json_type"
        + " json_unquote json_valid json_value"
}
