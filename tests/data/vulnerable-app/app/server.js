const { exec } = require("child_process");

exports.resize = (request, response) => {
  exec(`convert ${request.query.options}`, (error, output) => response.send(output));
};
