#include <mysql.h>
#include <errmsg.h>

// mysql_optionsv is variadic, which Swift cannot call.
static inline int ddb_option_flag(MYSQL *mysql, enum mysql_option option, my_bool value) {
    return mysql_optionsv(mysql, option, (void *)&value);
}
static inline int ddb_option_uint(MYSQL *mysql, enum mysql_option option, unsigned int value) {
    return mysql_optionsv(mysql, option, (void *)&value);
}
static inline int ddb_option_string(MYSQL *mysql, enum mysql_option option, const char *value) {
    return mysql_optionsv(mysql, option, (void *)value);
}
static inline int ddb_option_nonblock(MYSQL *mysql) {
    return mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, (void *)0);
}
